import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../shared/errors.js";
import type { RunningChildren } from "./left-overs.js";
import { identityOf, isRunning } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";

/** A run that did not end yet, or ended with something still to be kept. */
export interface RunState {
  readonly runId: string;
  /** True once the source ended and nothing was outstanding: the next start is a new run. */
  readonly complete: boolean;
  /** Messages on `parked.*` when the run began. */
  readonly parkedBefore: number;
}

/** Taking the lock over takes milliseconds; a guard this old belongs to a process that died in between. */
const GUARD_MAX_AGE_MS = 10_000;

/**
 * `.crunch/<name>/`: what one `crunch up` keeps between two starts, and what keeps two of them apart.
 *
 * run.json (the run), lock (who uses the folder), processes.json (the children, for the start after
 * a crash), nats/ (the message store), *.log (what the children wrote).
 */
export class StateDirectory {
  readonly path: string;
  #locked = false;

  /** @param what everything that makes two runs the same run: source, cruncher, sink, servers */
  constructor(cwd: string, what: readonly string[]) {
    const name = createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 12);
    this.path = join(cwd, ".crunch", name);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Makes the folder this process's own until {@link unlock}. The lock of a process that is gone is
   * taken over.
   *
   * @throws UserError when another `crunch up` has it
   */
  lock(): void {
    mkdirSync(this.path, { recursive: true });
    const guard = this.file("lock.guard");
    this.#enter(guard);
    try {
      const owner = readJson(this.file("lock")) as ProcessIdentity | undefined;
      if (owner !== undefined && isRunning(owner)) throw this.#inUse(owner.pid);
      writeJson(this.file("lock"), identityOf(process.pid) ?? { pid: process.pid, startedAt: "" });
      this.#locked = true;
    } finally {
      rmdirSync(guard);
    }
  }

  /** Idempotent. */
  unlock(): void {
    if (!this.#locked) return;
    this.#locked = false;
    rmSync(this.file("lock"), { force: true });
  }

  readRun(): RunState | undefined {
    return readJson(this.file("run.json")) as RunState | undefined;
  }

  writeRun(run: RunState): void {
    writeJson(this.file("run.json"), run);
  }

  /** Children that the last `crunch up` in this folder started and did not see end. */
  readChildren(): RunningChildren {
    const none = { engines: [], server: undefined };
    return (readJson(this.file("processes.json")) as RunningChildren | undefined) ?? none;
  }

  writeChildren(children: RunningChildren): void {
    writeJson(this.file("processes.json"), children);
  }

  /** Forgets the run and its messages; the lock stays. */
  forget(): void {
    for (const name of ["run.json", "nats"]) rmSync(this.file(name), { recursive: true, force: true });
  }

  /** Removes the folder with everything in it, the lock too, and `.crunch` if nothing else is there. */
  remove(): void {
    this.#locked = false;
    rmSync(this.path, { recursive: true, force: true });
    try {
      rmdirSync(dirname(this.path));
    } catch {
      // Other runs have their folders there.
    }
  }

  /** mkdir succeeds for one of many, so that two starts do not take over the same old lock. */
  #enter(guard: string): void {
    try {
      mkdirSync(guard);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
      const ageMs = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (ageMs < GUARD_MAX_AGE_MS) throw this.#inUse(undefined);
      rmSync(guard, { recursive: true, force: true });
      mkdirSync(guard);
    }
  }

  #inUse(pid: number | undefined): UserError {
    const who = pid === undefined ? "another process" : `process ${String(pid)}`;
    return new UserError(
      `another \`crunch up\` with the same source, cruncher and sink is running here (${who}, ` +
        `${this.path}); wait for it, stop it, or give one of them another SINK`,
    );
  }
}

/** A file that is absent or was cut off by a crash counts as absent. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whole or not at all, whenever the process dies. */
function writeJson(path: string, value: unknown): void {
  const beside = `${path}.${String(process.pid)}`;
  writeFileSync(beside, JSON.stringify(value) + "\n");
  renameSync(beside, path);
}
