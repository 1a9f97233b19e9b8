import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import type { Env } from "../shared/config.js";
import { NOTHING_MORE } from "../shared/nothing-more.js";
import type { Child, ChildEnd, LogLine, StartDetails } from "./child.js";

export interface EngineChildOptions {
  /** Script and arguments for this Node: `[bin/crunch.js, "results"]`. */
  readonly args: readonly string[];
  readonly env: Env;
  readonly cwd: string;
  /** Everything it writes is added to this file. */
  readonly logPath: string;
  /** Let it load, and do nothing before {@link EngineChild.release}. */
  readonly isHeld?: boolean;
  /** Given each JSON line it logs. */
  readonly onLine?: (line: LogLine) => void;
  /** Kept open by the process as long as it lives; see {@link Watchdog}. */
  readonly lifeLine?: Writable;
}

/** Enough for one stack trace. */
const LAST_LINES = 12;
const MAX_STDERR_CHARS = 64_000;

/**
 * One engine as a child process, in a process group of its own, so that Ctrl-C reaches the launcher
 * only, which ends the engines in the right order. Losing the launcher ends it like SIGTERM.
 */
export class EngineChild implements Child {
  readonly started: Promise<StartDetails | undefined>;
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  readonly #lastWords: string[] = [];
  #stderr = "";
  #totals: LogLine | undefined;

  constructor(options: EngineChildOptions) {
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", "ipc"];
    if (options.lifeLine !== undefined) stdio.push(options.lifeLine);
    const child = spawn(process.execPath, options.args, {
      stdio,
      detached: true,
      cwd: options.cwd,
      env: {
        ...options.env,
        CRUNCH_PARENT: String(process.pid),
        ...(options.isHeld === true && { CRUNCH_HELD: "1" }),
      },
    });
    this.#process = child;
    const log = createWriteStream(options.logPath, { flags: "a" });
    // A full disk must not end the run because of a log file.
    log.on("error", () => log.destroy());
    let markStarted: (details: StartDetails | undefined) => void;
    this.started = new Promise((resolve) => (markStarted = resolve));

    const takeLine = (text: string): void => {
      if (log.writable) log.write(`${text}\n`);
      const line = parseLogLine(text);
      if (line === undefined) {
        this.#remember(text);
        return;
      }
      if (line.event === "started") markStarted({ port: Number(line.httpPort) });
      else if (line.event === "stopped") this.#totals = line;
      else this.#remember(wordsOf(line));
      options.onLine?.(line);
    };
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", takeLine);
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on("line", (text) => {
        this.#stderr = (this.#stderr + text + "\n").slice(-MAX_STDERR_CHARS);
        if (log.writable) log.write(`${text}\n`);
        this.#remember(text);
      });
    }
    this.ended = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        markStarted(undefined);
        const end = {
          code,
          signal,
          stderr: this.#stderr,
          lastWords: this.#lastWords,
          totals: this.#totals,
        };
        log.end(() => resolve(end));
      };
      child.once("error", (error) => {
        this.#remember(error.message);
        if (child.pid === undefined) finish(1, null);
      });
      child.once("close", finish);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Ends the hold of a child that was started with one. @param settings to be put over its environment */
  release(settings: Env): void {
    this.#tell(settings);
  }

  nothingMore(): void {
    this.#tell(NOTHING_MORE);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  #tell(message: Env | string): void {
    // One that is dead cannot hear it; its end tells.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #remember(text: string): void {
    if (text.trim() === "") return;
    this.#lastWords.push(text);
    if (this.#lastWords.length > LAST_LINES) this.#lastWords.shift();
  }
}

function parseLogLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

/** The message of a log line, with the error it carries. */
export function wordsOf(line: LogLine): string {
  const { msg, err } = line;
  const message = typeof msg === "string" ? msg : JSON.stringify(line);
  const error = typeof err === "object" && err !== null ? (err as LogLine).message : undefined;
  return typeof error !== "string" || message.includes(error) ? message : `${message}: ${error}`;
}
