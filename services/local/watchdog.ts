import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";

/**
 * Reads pids, one a line, an empty line for none; at end of input it ends the process last named.
 * A shell, because it must outlive the launcher and should cost nothing.
 */
const SCRIPT = 'server=; while read -r pid; do server=$pid; done; [ -z "$server" ] || kill -TERM "$server"';

/**
 * Ends the nats-server when the launcher is gone and could not do it: killed with SIGKILL, or out of
 * memory. Its input stays open as long as the launcher or an engine that inherited
 * {@link lifeLine} lives, so the engines have drained before their server goes.
 */
export class Watchdog {
  readonly #process: ChildProcess;
  readonly #lifeLine: Writable;
  /** Resolves when the watch is over. */
  readonly ended: Promise<void>;

  constructor() {
    this.#process = spawn("/bin/sh", ["-c", SCRIPT, "crunch-watchdog"], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      env: { PATH: "/bin:/usr/bin" },
    });
    const { stdin } = this.#process;
    if (stdin === null) throw new Error("a spawned process with a piped stdin has none");
    this.#lifeLine = stdin;
    // Without a shell there is no watchdog; the next start ends the server instead.
    this.#process.on("error", () => stdin.destroy());
    stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#process.once("error", () => resolve());
      this.#process.once("exit", () => resolve());
    });
  }

  /** To be inherited by every process that needs the server. */
  get lifeLine(): Writable {
    return this.#lifeLine;
  }

  /** @param pid of the server to end when everybody is gone; undefined for none */
  watch(pid: number | undefined): void {
    if (this.#lifeLine.writable) this.#lifeLine.write(`${pid === undefined ? "" : String(pid)}\n`);
  }

  /** Ends the watch without ending the server. Idempotent. */
  close(): void {
    this.watch(undefined);
    this.#lifeLine.end();
  }
}
