/** Share of the newest measurement in the average. */
const WEIGHT = 0.2;
/** Singles that wait together are sent together, up to this much crunching. */
const BUNDLE_MS = 5;
const MAX_BUNDLE = 256;
/** A thread gets its next request before it is done with one that takes less than this. */
const HAND_OVER_EARLY_BELOW_MS = 20;

/**
 * How long crunching takes at present, and what follows from it: quick work is handed over in
 * advance and singles in bundles, so that no thread waits for the main thread; slow work is not, so
 * that no job waits behind another while a thread is free.
 */
export class Pace {
  #requestMs = HAND_OVER_EARLY_BELOW_MS;
  #singleMs = BUNDLE_MS;

  /** @param crunchMs time of the whole request in its thread */
  measured(crunchMs: number, jobs: number, isFrame: boolean): void {
    this.#requestMs += WEIGHT * (crunchMs - this.#requestMs);
    if (!isFrame) this.#singleMs += WEIGHT * (crunchMs / jobs - this.#singleMs);
  }

  /** Requests that a thread may have at once. */
  get requestsPerThread(): number {
    return this.#requestMs < HAND_OVER_EARLY_BELOW_MS ? 2 : 1;
  }

  get maxSinglesPerRequest(): number {
    return Math.min(MAX_BUNDLE, Math.max(1, Math.floor(BUNDLE_MS / this.#singleMs)));
  }
}
