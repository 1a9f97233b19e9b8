import { setImmediate as nextTurn } from "node:timers/promises";
import type { BigQueryClock } from "../../services/results-engine/sinks/bigquery/clock.js";
import { interrupted } from "../../services/results-engine/sinks/bigquery/clock.js";

/** A clock that a test moves: waits take no time but are noted, deadlines pass when told. */
export class ManualClock implements BigQueryClock {
  now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  /** How far the wall clock was set beside the time that passed, in milliseconds. */
  setByMs = 0;
  /** Every wait between tries so far, in milliseconds. */
  readonly waits: number[] = [];
  /** Called before each wait ends, and waited for; what it does happens between two tries. */
  onWait: (count: number) => unknown = () => undefined;
  /** While true, a wait ends by abort only. */
  holdsWaits = false;
  readonly #deadlines = new Map<() => void, number>();

  readonly nowMs = (): number => this.now + this.setByMs;

  readonly elapsedMs = (): number => this.now;

  /** Full jitter at its upper end, so that waits are the ceilings. */
  readonly random = (): number => 1;

  readonly backoff = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    this.waits.push(delayMs);
    await this.onWait(this.waits.length);
    if (signal.aborted) throw interrupted();
    if (this.holdsWaits) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      throw interrupted();
    }
    this.now += delayMs;
    await nextTurn();
  };

  readonly deadline = (delayMs: number, expired: () => void): (() => void) => {
    this.#deadlines.set(expired, delayMs);
    return () => this.#deadlines.delete(expired);
  };

  /** Deadlines that wait for an answer. */
  get openDeadlines(): number {
    return this.#deadlines.size;
  }

  /** Lets the deadline pass that was set first. */
  expireOldest(): void {
    const [expired] = this.#deadlines.keys();
    if (expired === undefined) return;
    this.#deadlines.delete(expired);
    expired();
  }

  /** Lets every open deadline of at most `maxMs` pass. */
  expireDeadlines(maxMs = Infinity): void {
    for (const [expired, delayMs] of [...this.#deadlines]) {
      if (delayMs > maxMs) continue;
      this.#deadlines.delete(expired);
      expired();
    }
  }
}
