import { EngineError } from "../../../shared/errors.js";

/** Time and chance as the sink sees them; a test hands in its own and nothing sleeps for real. */
export interface BigQueryClock {
  /** The wall clock, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A clock that nobody sets, in milliseconds since some moment: how long something lasts. */
  readonly elapsedMs: () => number;
  /** Between 0 (included) and 1. */
  readonly random: () => number;
  /** Waits between two tries. @throws EngineError `retry` as soon as `signal` aborts */
  readonly backoff: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** Calls `expired` after `delayMs`, unless the returned function is called first. */
  readonly deadline: (delayMs: number, expired: () => void) => () => void;
}

export const systemClock: BigQueryClock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  random: () => Math.random(),
  backoff: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(interrupted());
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(interrupted());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, delayMs);
      signal.addEventListener("abort", onAbort, { once: true });
    }),
  deadline: (delayMs, expired) => {
    const timer = setTimeout(expired, delayMs);
    return () => clearTimeout(timer);
  },
};

/** What a write ends with when the engine stops while BigQuery is away: the messages come again. */
export function interrupted(): EngineError {
  return new EngineError("sink_interrupted", "retry", "the engine stops before BigQuery took these rows");
}

/** Shortest and longest first wait of a kind of failure, in milliseconds. */
export interface BackoffRange {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * An ordinary hiccup: a dropped connection, a 503. Short at its longest too: the oldest rows keep a full
 * stream from being trimmed, so everything may wait for this one wait after an outage.
 */
export const HICCUP: BackoffRange = { firstMs: 200, maxMs: 4_000 };
/** A quota: coming back soon only spends more of it. */
export const QUOTA: BackoffRange = { firstMs: 2_000, maxMs: 120_000 };
/** The table itself is wrong; a person or a propagation delay of minutes decides. */
export const TABLE: BackoffRange = { firstMs: 1_000, maxMs: 60_000 };

/**
 * Exponential with full jitter, so that many engines that failed together come back apart.
 *
 * @param tries failed tries in a row, from 1
 */
export function backoffMs(range: BackoffRange, tries: number, random: () => number): number {
  const ceiling = Math.min(range.maxMs, range.firstMs * 2 ** Math.min(tries - 1, 30));
  return Math.ceil(random() * ceiling);
}
