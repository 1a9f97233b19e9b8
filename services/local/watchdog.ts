import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";
import type { ProcessIdentity } from "./process-identity.js";

/**
 * Reads processes, one a line as pid and start, an empty line for none; at end of input it ends the one last
 * named, unless that is gone and its pid belongs to another. A shell, because it must outlive the launcher and
 * should cost nothing. The start is read as {@link identityOf} does.
 */
const SCRIPT = `
pid=; started=
while read -r one two; do pid=$one; started=$two; done
[ -n "$pid" ] || exit 0
if [ -r "/proc/$pid/stat" ]; then
  read -r stat < "/proc/$pid/stat"
  set -- \${stat##*) }
  shift 19
  now=$1
else
  now=$(ps -o lstart= -p "$pid")
fi
# Without quotes, so that spaces do not count.
[ "$(echo $now)" = "$(echo $started)" ] && kill -TERM "$pid"
`;

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
      env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
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

  /** @param server to end when everybody is gone; undefined for none */
  watch(server: ProcessIdentity | undefined): void {
    if (!this.#lifeLine.writable) return;
    this.#lifeLine.write(server === undefined ? "\n" : `${String(server.pid)} ${server.startedAt}\n`);
  }

  /** Ends the watch without ending the server. Idempotent. */
  close(): void {
    this.watch(undefined);
    this.#lifeLine.end();
  }
}
