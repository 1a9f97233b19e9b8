import { performance } from "node:perf_hooks";

/** Farthest that the fine clock may be from the machine's clock before it is set again. */
const TOLERANCE_MS = 5;

/** Where a {@link WallClock} reads the time, in milliseconds. */
export interface ClockSource {
  /** The machine's clock, whole milliseconds. */
  readonly coarseNowMs: () => number;
  /** A clock that only goes forward, with fraction. */
  readonly fineNowMs: () => number;
  /** What the machine's clock was at 0 of the fine clock. */
  readonly fineOriginMs: number;
}

const threadClock: ClockSource = {
  coarseNowMs: () => Date.now(),
  fineNowMs: () => performance.now(),
  fineOriginMs: performance.timeOrigin,
};

/**
 * The wall clock with microseconds, for one thread. Within the thread it never goes backwards, except
 * when it is 5 ms away from the machine's clock, which was set or has drifted: then
 * {@link synchronise} makes it follow, in either direction.
 */
export class WallClock {
  readonly #source: ClockSource;
  #originMs: number;

  constructor(source = threadClock) {
    this.#source = source;
    this.#originMs = source.fineOriginMs;
    this.synchronise();
  }

  /** Follows the machine's clock; cheap enough for once a message. */
  synchronise(): void {
    // Half a millisecond more, as the coarse clock is cut off to whole ones.
    const originMs = this.#source.coarseNowMs() + 0.5 - this.#source.fineNowMs();
    if (Math.abs(originMs - this.#originMs) > TOLERANCE_MS) this.#originMs = originMs;
  }

  /** Milliseconds since the epoch, with fraction. */
  nowMs(): number {
    return this.#originMs + this.#source.fineNowMs();
  }
}
