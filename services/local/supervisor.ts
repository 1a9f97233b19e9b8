import { EngineError, UserError } from "../shared/errors.js";
import { howItEnded } from "./child.js";
import type { Child, ChildEnd, StartDetails } from "./child.js";

export interface SupervisorOptions {
  /** For people: `crunch-engine 2`. */
  readonly name: string;
  readonly start: () => Child;
  /** Tells the end of a child's work from a death; without it every end that was not asked for is one. */
  readonly isFinished?: (end: ChildEnd) => boolean;
  /** Told of each child started, also after a death. */
  readonly onStart?: (child: Child) => void;
  /** Told of each death before the restart, and of the one after which there is none. */
  readonly onDeath: (report: string, end: ChildEnd) => void;
  /** This many deaths within {@link withinMs} end the run. */
  readonly maxDeaths?: number;
  readonly withinMs?: number;
  readonly restartDelayMs?: number;
  readonly now?: () => number;
}

/** Why there is no child any more. */
export type Outcome =
  | { readonly kind: "finished"; readonly end: ChildEnd }
  | { readonly kind: "stopped"; readonly end: ChildEnd | undefined }
  | { readonly kind: "bad-input"; readonly message: string }
  | { readonly kind: "gave-up"; readonly message: string };

/**
 * Keeps one child alive.
 *
 * starting -> ready -> (dead -> starting)* -> finished | stopped | bad-input | gave-up.
 * Exit 2 before the first start line is bad input; afterwards every end that was not asked for is
 * a death.
 */
export class Supervisor {
  readonly name: string;
  readonly outcome: Promise<Outcome>;
  readonly #options: SupervisorOptions;
  readonly #now: () => number;
  readonly #deathsAtMs: number[] = [];
  #settle!: (outcome: Outcome) => void;
  #child: Child | undefined;
  #details: StartDetails | undefined;
  #wasReady = false;
  #markReady!: (details: StartDetails) => void;
  readonly #firstReady: Promise<StartDetails>;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.#firstReady = new Promise((resolve) => (this.#markReady = resolve));
    this.#start();
  }

  /** What the present child said when it was ready; undefined while there is none or it is not. */
  get details(): StartDetails | undefined {
    return this.#details;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves when the child was ready for the first time.
   *
   * @throws UserError for bad input, EngineError `stop` when it died too often or was stopped
   */
  async ready(): Promise<StartDetails> {
    // In this order: a child that was ready and is finished already was ready.
    const first = await Promise.race([this.#firstReady, this.outcome]);
    if ("kind" in first) throw errorOf(first, this.name);
    return first;
  }

  /** Tells the present child that no message will come any more; one that is started later waits as always. */
  nothingMore(): void {
    this.#child?.nothingMore?.();
  }

  /** SIGTERM, and SIGKILL after `graceMs`. Resolves with the outcome; idempotent. */
  async stop(graceMs: number): Promise<Outcome> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) {
      this.#settle({ kind: "stopped", end: undefined });
      return this.outcome;
    }
    child.kill("SIGTERM");
    const hurry = setTimeout(() => child.kill("SIGKILL"), graceMs);
    const outcome = await this.outcome;
    clearTimeout(hurry);
    return outcome;
  }

  /** SIGKILL, for a user who does not want to wait. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#child === undefined) this.#settle({ kind: "stopped", end: undefined });
    else this.#child.kill("SIGKILL");
  }

  #start(): void {
    const child = this.#options.start();
    this.#child = child;
    this.#options.onStart?.(child);
    void child.started.then((details) => {
      if (details === undefined || this.#child !== child) return;
      this.#details = details;
      this.#wasReady = true;
      this.#markReady(details);
    });
    void child.ended.then((end) => this.#onEnd(end));
  }

  #onEnd(end: ChildEnd): void {
    this.#child = undefined;
    this.#details = undefined;
    if (this.#options.isFinished?.(end) === true) this.#settle({ kind: "finished", end });
    else if (this.#stopping) this.#settle({ kind: "stopped", end });
    else if (end.code === 2 && !this.#wasReady) {
      const message = end.stderr.trim() || `${this.name} refused its settings`;
      this.#settle({ kind: "bad-input", message });
    } else this.#onDeath(end);
  }

  #onDeath(end: ChildEnd): void {
    const { maxDeaths = 3, withinMs = 60_000, restartDelayMs = 200 } = this.#options;
    const now = this.#now();
    this.#deathsAtMs.push(now);
    const recent = this.#deathsAtMs.filter((atMs) => now - atMs < withinMs).length;
    const report = `${this.name} died (${howItEnded(end)})`;
    if (recent >= maxDeaths) {
      const seconds = String(withinMs / 1000);
      const message = `${report}, ${String(recent)} times within ${seconds} s`;
      this.#options.onDeath(message, end);
      this.#settle({ kind: "gave-up", message });
      return;
    }
    this.#options.onDeath(`${report} and is started again`, end);
    this.#restart = setTimeout(() => this.#start(), restartDelayMs);
  }
}

/** The failure that an outcome is for someone who needed the child. */
export function errorOf(outcome: Outcome, name: string): Error {
  switch (outcome.kind) {
    case "bad-input":
      return new UserError(outcome.message.split("\n"));
    case "gave-up":
      return new EngineError("child_died", "stop", outcome.message);
    case "finished":
    case "stopped":
      return new EngineError("child_stopped", "stop", `${name} was stopped before it was ready`);
  }
}
