/**
 * A real nats-server of its own for one test file: any free port, its own store, gone afterwards.
 * The binary is the one that `crunch up` would take: NATS_SERVER_BIN, the PATH, a cached copy, or fetched.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../services/shared/errors.js";
import { natsServerBinary } from "../../services/local/nats-server-binary.js";
import { readPorts } from "../../services/local/ports-file.js";

/** A server that is not ready after this long never will be. */
const READY_MS = 60_000;
/** After this long a server that was asked to stop is killed. */
const STOP_MS = 30_000;

export interface NatsServerOptions {
  /** Further arguments, e.g. `["--user", "u", "--pass", "p"]`. */
  readonly args?: readonly string[];
  /** Text of a configuration file, e.g. users with permissions. */
  readonly config?: string;
  /** False for a server without JetStream. Default true. */
  readonly jetStream?: boolean;
  /** Path of the program. Default: the one that `crunch up` would take. */
  readonly binary?: string;
}

export class NatsServer {
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  readonly #onExit = (): void => void this.#process?.kill("SIGKILL");
  #process: ChildProcess | undefined;
  #port = -1;
  #monitoringPort = -1;

  private constructor(folder: string, options: NatsServerOptions) {
    this.#folder = folder;
    this.#options = options;
    // A test file that crashes leaves no server behind.
    process.once("exit", this.#onExit);
  }

  /** Starts a server and resolves when it takes connections. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(await mkdtemp(join(tmpdir(), "crunch-nats-")), options);
    try {
      await server.restart();
    } catch (thrown) {
      // A server that is left running would keep the test file from ending.
      await server.stop();
      throw thrown;
    }
    return server;
  }

  /** Of its process; -1 while there is none. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get port(): number {
    return this.#port;
  }

  /** Of a server whose configuration says `http: 127.0.0.1:-1`; else -1. */
  get monitoringPort(): number {
    return this.#monitoringPort;
  }

  get url(): string {
    return `nats://127.0.0.1:${String(this.#port)}`;
  }

  /** Its store and configuration; gone after {@link stop}. */
  get folder(): string {
    return this.#folder;
  }

  /** Starts the server again after {@link kill} or {@link terminate}: same port, same store. */
  async restart(): Promise<void> {
    const bin = this.#options.binary ?? (await natsServerBinary(process.env));
    const jetStream = this.#options.jetStream === false ? [] : ["-js", "-sd", join(this.#folder, "store")];
    const where = ["-a", "127.0.0.1", "-p", String(this.#port), "--ports_file_dir", this.#folder];
    const configPath = join(this.#folder, "server.conf");
    await writeFile(configPath, this.#options.config ?? "");
    const child = spawn(bin, ["-c", configPath, ...where, ...jetStream, ...(this.#options.args ?? [])], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    let log = "";
    child.stderr.on("data", (text: Buffer) => (log = (log + text.toString()).slice(-16_000)));
    const failed = new Promise<never>((_resolve, reject) => {
      child.once("error", (error) => reject(new Error(`cannot start ${bin}: ${error.message}`)));
      child.once("exit", (code) => reject(new Error(`${bin} ended with code ${String(code)}:\n${log}`)));
    });
    failed.catch((error: unknown) => {
      // Nobody asked it to: what the tests say then is only that it does not answer.
      if (this.#process === child) process.stderr.write(`${messageOf(error)}\n`);
    });
    await Promise.race([this.#ready(child), failed]);
  }

  /** SIGKILL: the process is gone when this resolves. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM: the server ends in order and keeps its store. */
  async terminate(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends the server and removes its store. Idempotent. */
  async stop(): Promise<void> {
    this.resume();
    await this.#end("SIGTERM");
    process.off("exit", this.#onExit);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || hasEnded(child)) return;
    const exited = once(child, "exit");
    const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill(signal);
    await exited;
    clearTimeout(deadline);
  }

  async #ready(child: ChildProcess): Promise<void> {
    const endMs = performance.now() + READY_MS;
    while (performance.now() < endMs) {
      if (this.#port < 0) {
        const ports = await readPorts(this.#folder, child.pid ?? 0);
        this.#port = ports?.nats ?? -1;
        this.#monitoringPort = ports?.monitoring ?? -1;
      }
      if (this.#port > 0 && (await greets(this.#port))) return;
      if (hasEnded(child)) throw new Error("nats-server ended before it was ready");
      await delay(10);
    }
    throw new Error(`nats-server was not ready within ${String(READY_MS)} ms`);
  }
}

/** True for one that could not be started, too. */
function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** True if something that speaks NATS listens: it says INFO first. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once("error", () => answer(false));
    socket.once("data", (data) => answer(data.toString().startsWith("INFO")));
  });
}
