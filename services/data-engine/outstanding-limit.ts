import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../shared/errors.js";
import type { Admission } from "./pipeline.js";

/** Between two looks while it is full, in milliseconds; grows up to the longest. */
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

export interface OutstandingLimitOptions {
  /** R: records published and not yet stored, beyond which nothing is published. */
  readonly maxOutstanding: number;
  /** Asks the streams how many are outstanding; up to `enough`, it may answer with more than there are. */
  readonly look: (enough: number) => Promise<number>;
}

/**
 * Holds the source back while too many records are outstanding. Keeps an upper bound of its own, so
 * that the streams are only asked when that is reached.
 */
export class OutstandingLimit implements Admission {
  readonly #options: OutstandingLimitOptions;
  /** At least as many as are outstanding. */
  #bound: number;
  /** Admitted and not yet known to be in the streams, where a look would find them. */
  #unconfirmed = 0;
  #isFull = false;
  /** Why the newest look failed; undefined if it did not. */
  #problem: string | undefined;

  constructor(options: OutstandingLimitOptions) {
    this.#options = options;
    // What others left is unknown before the first look.
    this.#bound = options.maxOutstanding;
  }

  blockedBy(): string | undefined {
    if (!this.#isFull) return undefined;
    if (this.#problem !== undefined) return `nobody says how many records are outstanding: ${this.#problem}`;
    return `${String(this.#bound)} records are outstanding, MAX_OUTSTANDING=${String(this.#options.maxOutstanding)}`;
  }

  async admit(records: number, signal: AbortSignal): Promise<void> {
    const { maxOutstanding } = this.#options;
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted && this.#bound + records > maxOutstanding) {
      const unconfirmed = this.#unconfirmed;
      try {
        this.#bound = (await this.#options.look(maxOutstanding - records - unconfirmed)) + unconfirmed;
        this.#problem = undefined;
      } catch (thrown) {
        // The server is away, so nothing can be published either.
        this.#problem = messageOf(thrown);
      }
      // What is larger than the limit by itself goes alone.
      if (this.#bound === 0 || this.#bound + records <= maxOutstanding) break;
      this.#isFull = true;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    }
    this.#isFull = false;
    this.#bound += records;
    this.#unconfirmed += records;
  }

  confirmed(records: number): void {
    this.#unconfirmed -= records;
  }
}
