import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../shared/config.js";
import type { Child, ChildEnd, StartDetails } from "./child.js";
import { readPorts } from "./ports-file.js";

export interface NatsServerOptions {
  readonly binary: string;
  readonly env: Env;
  /** Holds nats.conf, nats.log and the message store; made if absent. */
  readonly folder: string;
  /** 0 takes a free one. A restarted server takes the port of the one before it. */
  readonly port: number;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const LAST_LINES = 12;

/**
 * A nats-server with JetStream in a file store, on loopback. It writes its log to a file of its
 * own and not to the launcher: a server whose log pipe breaks would die before the engines drained.
 */
export class NatsServerChild implements Child {
  readonly pid: number;
  readonly started: Promise<StartDetails | undefined>;
  readonly ended: Promise<ChildEnd>;
  readonly #kill: (signal: NodeJS.Signals) => void;

  constructor(options: NatsServerOptions) {
    const { folder } = options;
    mkdirSync(join(folder, "store"), { recursive: true });
    for (const name of readdirSync(folder)) if (name.endsWith(".ports")) rmSync(join(folder, name));
    const config = join(folder, "nats.conf");
    writeFileSync(config, configOf(folder, options.port));
    const logPath = join(folder, "nats.log");
    const log = openSync(logPath, "w");
    const child = spawn(options.binary, ["-c", config], {
      stdio: ["ignore", log, log],
      detached: true,
      env: { ...options.env },
    });
    closeSync(log);
    this.pid = child.pid ?? 0;
    this.#kill = (signal) => child.kill(signal);
    let gone = false;
    this.ended = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null, error?: Error): void => {
        gone = true;
        const lines = readFileSync(logPath, "utf8").trimEnd().split("\n");
        const lastWords = error === undefined ? lines.slice(-LAST_LINES) : [error.message];
        resolve({ code, signal, stderr: "", lastWords, totals: undefined });
      };
      child.once("error", (error) => {
        if (child.pid === undefined) finish(1, null, error);
      });
      child.once("exit", finish);
    });
    this.started = this.#waitForPort(folder, () => gone);
  }

  kill(signal: NodeJS.Signals): void {
    this.#kill(signal);
  }

  /** The server writes its ports once it listens; a large store is read before that. */
  async #waitForPort(folder: string, gone: () => boolean): Promise<StartDetails | undefined> {
    const deadlineAtMs = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const ports = await readPorts(folder, this.pid);
      if (ports !== undefined) return { port: ports.nats };
      if (gone()) return undefined;
      if (Date.now() > deadlineAtMs) {
        this.#kill("SIGKILL");
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function configOf(folder: string, port: number): string {
  return [
    `listen: "127.0.0.1:${String(port === 0 ? -1 : port)}"`,
    `ports_file_dir: ${JSON.stringify(folder)}`,
    // Streams are bounded by STREAM_MAX_BYTES; the server's own limit must not refuse them.
    `jetstream { store_dir: ${JSON.stringify(join(folder, "store"))}, max_file_store: 8TB }`,
    "",
  ].join("\n");
}
