import { spawn } from "node:child_process";
import type { Env } from "../shared/config.js";

/** How a command ended. `status` is undefined when it could not be started or was ended by a signal. */
export interface CommandOutcome {
  readonly status: number | undefined;
  readonly stdout: string;
  /** What it wrote to stderr, or why it could not be started. */
  readonly stderr: string;
}

/** Runs a command to its end, or ends it after `timeoutMs`. Never throws. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { timeoutMs: number; cwd?: string; env: Env },
): Promise<CommandOutcome> {
  return await new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...options.env },
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ status: undefined, stdout, stderr: error.message });
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      if (timedOut) stderr += `${command} was ended after ${String(options.timeoutMs)} ms`;
      resolve({ status: code ?? undefined, stdout, stderr: stderr.trim() });
    });
  });
}
