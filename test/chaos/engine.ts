/** One engine of the trio, started again whenever it ends, as a platform would. */
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CrunchProcess } from "../support/engine-process.js";
import type { EngineLink } from "./engine-link.js";

export type Command = "data" | "engine" | "results";

export interface EngineParts {
  /** `data`, `engine-2`, ... */
  readonly name: string;
  readonly command: Command;
  readonly env: Readonly<Record<string, string>>;
  /** Its working folder, where its log is written too. */
  readonly folder: string;
  /** Its way to NATS. */
  readonly link: EngineLink;
}

const RESTART_AFTER_MS = 250;

export class Engine {
  readonly name: string;
  readonly command: Command;
  readonly link: EngineLink;
  readonly #parts: EngineParts;
  readonly #log: WriteStream;
  readonly #ending = new AbortController();
  readonly #onExit = (): void => this.signal("SIGKILL");
  #process: CrunchProcess | undefined;
  #isFinished = false;
  #life: Promise<void> = Promise.resolve();
  /** How its processes ended: `code 0`, `SIGKILL`, ... */
  readonly ends = new Map<string, number>();

  constructor(parts: EngineParts) {
    this.name = parts.name;
    this.command = parts.command;
    this.link = parts.link;
    this.#parts = parts;
    process.once("exit", this.#onExit);
    this.#log = createWriteStream(join(parts.folder, `${parts.name}.log`));
  }

  /** True once a data-engine has published its whole source. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Of the process that runs; undefined between two. */
  get pid(): number | undefined {
    return this.#process === undefined || this.#process.ended ? undefined : this.#process.pid;
  }

  start(): void {
    this.#life = this.#live();
  }

  async started(): Promise<void> {
    await this.#process?.started();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** A number of its `/metrics`; undefined while it cannot be asked. */
  async metric(name: string, labels: string): Promise<number | undefined> {
    const current = this.#process;
    if (current === undefined || current.ended || !current.lines.some(({ event }) => event === "started")) {
      return undefined;
    }
    return current.metric(name, labels).catch(() => undefined);
  }

  /** SIGTERM for good. @returns the exit code of the last process */
  async end(): Promise<number | null> {
    this.#ending.abort();
    this.signal("SIGTERM");
    const ended = await this.#process?.exited;
    await this.#life;
    process.off("exit", this.#onExit);
    this.#log.end();
    return ended?.code ?? null;
  }

  async #live(): Promise<void> {
    const { command, env, folder, link } = this.#parts;
    while (!this.#ending.signal.aborted && !this.#isFinished) {
      const current = new CrunchProcess([command], { ...env, NATS_URL: link.url }, folder);
      this.#process = current;
      const { code, signal } = await current.exited;
      const how = signal ?? `code ${String(code)}`;
      this.ends.set(how, (this.ends.get(how) ?? 0) + 1);
      this.#log.write(`${current.stdout}${current.stderr}-- process ${String(current.pid)} ended: ${how}\n`);
      this.#isFinished = code === 0 && current.stopped?.ended === 1;
      if (!this.#isFinished) await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    const { signal } = this.#ending;
    await delay(RESTART_AFTER_MS, undefined, { signal }).catch(() => undefined);
  }
}
