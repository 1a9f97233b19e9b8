import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "./until.js";

const crunchBin = fileURLToPath(new URL("../../../bin/crunch.js", import.meta.url));

type LogLine = Readonly<Record<string, unknown>>;

/** One `crunch ...` process under test: its log lines, its output and how it ended. */
export class CrunchProcess {
  readonly lines: LogLine[] = [];
  stdout = "";
  stderr = "";
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  #ended = false;

  /** @param bin the command, if it is not this tree's */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd?: string,
    bin: string = crunchBin,
  ) {
    const child = spawn(process.execPath, [bin, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#takeLine(line));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.#ended = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Waits for the engine's start line. */
  async started(deadlineMs = 60_000): Promise<LogLine> {
    const find = (): LogLine | undefined => this.lines.find((line) => line.event === "started");
    await until(() => find() !== undefined || this.#ended, deadlineMs, "the start line");
    const line = find();
    if (line === undefined) throw new Error(`ended before it started: ${this.stderr}${this.stdout}`);
    return line;
  }

  /** The totals of the stop line; undefined if there is none. */
  get stopped(): LogLine | undefined {
    return this.lines.find((line) => line.event === "stopped");
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /** Reads one number from `/metrics`; the sum over label sets that contain `labels`. */
  async metric(name: string, labels = ""): Promise<number> {
    const port = String((await this.started()).httpPort);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  #takeLine(line: string): void {
    this.stdout += `${line}\n`;
    if (!line.startsWith("{")) return;
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      // Not a log line: kept in stdout only.
    }
  }
}

/** Runs a `crunch` command to its end. */
export async function runCrunch(
  args: readonly string[],
  options: {
    env?: Readonly<Record<string, string>>;
    cwd?: string;
    deadlineMs?: number;
    bin?: string;
  } = {},
): Promise<{ code: number | null; stdout: string; stderr: string; lastLine: string }> {
  const process_ = new CrunchProcess(args, options.env, options.cwd, options.bin);
  const deadlineMs = options.deadlineMs ?? 60_000;
  const timer = setTimeout(() => process_.kill("SIGKILL"), deadlineMs);
  const { code } = await process_.exited;
  clearTimeout(timer);
  const lastLine = process_.stdout.trimEnd().split("\n").at(-1) ?? "";
  return { code, stdout: process_.stdout, stderr: process_.stderr, lastLine };
}
