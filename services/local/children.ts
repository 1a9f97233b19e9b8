import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Env } from "../shared/config.js";
import type { ChildEnd, LogLine } from "./child.js";
import { EngineChild, wordsOf } from "./engine-child.js";
import { environmentOf } from "./engine-environment.js";
import type { EngineName } from "./engine-environment.js";
import { NatsServerChild } from "./nats-server.js";
import { identityOf } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";
import type { StateDirectory } from "./state-directory.js";
import { Supervisor } from "./supervisor.js";
import type { Outcome } from "./supervisor.js";
import { Watchdog } from "./watchdog.js";

export interface ChildrenOptions {
  readonly env: Env;
  readonly cwd: string;
  /** The script that runs an engine: bin/crunch.js. */
  readonly crunchPath: string;
  readonly state: StateDirectory;
  /** Longest time between SIGTERM and exit of an engine, in milliseconds. */
  readonly drainMs: number;
  /** Tells the user something: one or more lines. */
  readonly note: (text: string) => void;
}

/** Starts an engine with these settings. Once only. */
export type StartEngine = (settings: Env) => Supervisor;

const COMMANDS: Readonly<Record<EngineName, string>> = {
  "data-engine": "data",
  "crunch-engine": "engine",
  "results-engine": "results",
};

/** Log levels of pino from which on a line is shown to the user. */
const WARN = 40;
const LEVELS: Readonly<Record<string, number>> = { error: 50, fatal: 60 };
/** An engine ends itself after DRAIN_MS; only one that cannot even do that is killed. */
const KILL_MARGIN_MS = 2_000;
const SERVER_STOP_MS = 15_000;

/** All processes of one `crunch up`: starts them, keeps them alive, notes them down, ends them in order. */
export class Children {
  readonly #options: ChildrenOptions;
  readonly #watchdog = new Watchdog();
  readonly #engines: Supervisor[] = [];
  /** Loaded, or loading, and not started yet. */
  readonly #held = new Set<EngineChild>();
  readonly #running = new Map<number, ProcessIdentity>();
  #server: Supervisor | undefined;
  #serverIdentity: ProcessIdentity | undefined;
  #fail!: (outcome: Outcome) => void;
  /** Resolves when a child died too often. */
  readonly failed: Promise<Outcome>;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    this.failed = new Promise((resolve) => (this.#fail = resolve));
  }

  /** Starts a nats-server over the folder's message store. @returns its URL */
  async startServer(binary: string): Promise<string> {
    const { env, state } = this.#options;
    let port = 0;
    this.#server = this.#supervise({
      name: "nats-server",
      start: () => new NatsServerChild({ binary, env, folder: state.file("nats"), port }),
      onStart: (child) => {
        this.#serverIdentity = identityOf(child.pid);
        this.#watchdog.watch(this.#serverIdentity);
        this.#noteDown();
      },
    });
    // Engines reconnect to the address they know, so a restarted server takes it again.
    port = (await this.#server.ready()).port;
    return `nats://127.0.0.1:${String(port)}`;
  }

  /**
   * Lets an engine load, which takes most of the time of its start.
   *
   * @returns what starts it, with settings put over the environment
   */
  prepareEngine(engine: EngineName, name: string): StartEngine {
    const held = this.#spawn(engine, name, {}, true);
    this.#held.add(held);
    void held.ended.then(() => this.#held.delete(held));
    return (settings) => {
      const isFirst = this.#held.delete(held);
      if (isFirst) held.release(settings);
      return this.#superviseEngine(engine, name, settings, isFirst ? held : undefined);
    };
  }

  #spawn(engine: EngineName, name: string, settings: Env, isHeld: boolean): EngineChild {
    const { env, cwd, crunchPath, state } = this.#options;
    return new EngineChild({
      args: [crunchPath, COMMANDS[engine]],
      env: environmentOf(engine, env, settings),
      cwd,
      logPath: join(state.path, `${name.replace(" ", "-")}.log`),
      lifeLine: this.#watchdog.lifeLine,
      isHeld,
      onLine: (line) => this.#show(name, line),
    });
  }

  #superviseEngine(
    engine: EngineName,
    name: string,
    settings: Env,
    first: EngineChild | undefined,
  ): Supervisor {
    let next = first;
    const supervisor = this.#supervise({
      name,
      ...(engine === "data-engine" && { isFinished: sourceEnded }),
      start: () => {
        const child = next ?? this.#spawn(engine, name, settings, false);
        next = undefined;
        return child;
      },
      onStart: (child) => {
        const identity = identityOf(child.pid);
        if (identity !== undefined) this.#running.set(child.pid, identity);
        void child.ended.then(() => this.#running.delete(child.pid));
        this.#noteDown();
      },
    });
    this.#engines.push(supervisor);
    return supervisor;
  }

  /** SIGTERM; resolves when the engine drained. */
  async stop(engine: Supervisor): Promise<Outcome> {
    return await engine.stop(this.#options.drainMs + KILL_MARGIN_MS);
  }

  /** Ends what still runs, in the order of the path, the server last. Idempotent. */
  async close(): Promise<void> {
    this.#dropHeld();
    const inOrder = (["data-engine", "crunch-engine", "results-engine"] as const).map((prefix) =>
      this.#engines.filter((engine) => engine.name.startsWith(prefix)),
    );
    for (const stage of inOrder) await Promise.all(stage.map((engine) => this.stop(engine)));
    await this.#server?.stop(SERVER_STOP_MS);
    this.#watchdog.close();
  }

  /** SIGKILL for everything, at once. The streams keep what was under way. */
  kill(): void {
    this.#dropHeld();
    for (const child of [...this.#engines, ...(this.#server === undefined ? [] : [this.#server])])
      child.kill();
    this.#watchdog.close();
  }

  /** What was never started has nothing to finish. */
  #dropHeld(): void {
    for (const child of this.#held) child.kill("SIGKILL");
    this.#held.clear();
  }

  #supervise(options: Omit<ConstructorParameters<typeof Supervisor>[0], "onDeath">): Supervisor {
    const supervisor = new Supervisor({
      ...options,
      onDeath: (report, end) => {
        const words = end.lastWords.map((line) => `    ${line}`).join("\n");
        this.#options.note(words === "" ? report : `${report}; its last words:\n${words}`);
      },
    });
    void supervisor.outcome.then((outcome) => {
      if (outcome.kind === "gave-up") this.#fail(outcome);
    });
    return supervisor;
  }

  #noteDown(): void {
    this.#options.state.writeChildren({
      engines: [...this.#running.values()],
      server: this.#serverIdentity,
    });
  }

  #show(name: string, line: LogLine): void {
    const { env, note } = this.#options;
    const from = Math.max(WARN, LEVELS[env.LOG_LEVEL ?? ""] ?? WARN);
    if (Number(line.level) >= from) note(`${name}: ${wordsOf(line)}`);
  }
}

/** A data-engine that somebody else ended with SIGTERM exits with 0 too, and its source has not ended. */
function sourceEnded(end: ChildEnd): boolean {
  return end.code === 0 && end.totals?.ended === 1;
}

/** THREADS of each of several crunch-engines that share this machine; undefined leaves it to the engine. */
export function threadsPerEngine(engines: number): string | undefined {
  return engines < 2 ? undefined : String(Math.max(1, Math.floor(availableParallelism() / engines)));
}
