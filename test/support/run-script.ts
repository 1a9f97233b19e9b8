import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ScriptEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell script of the repository, with nothing of the caller's environment but the PATH, to its end. */
export async function runScript(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ScriptEnd> {
  const script = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  const child = spawn(script, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
