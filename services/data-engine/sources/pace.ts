import { setTimeout as delay } from "node:timers/promises";

/** Time as a paced source sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds that never go back. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const monotonicClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

/** After a pause of its consumer a source catches up at most this much at once, in milliseconds. */
export const MAX_CATCH_UP_MS = 1_000;

export interface Pace {
  /** Records per second. */
  readonly rate: number;
  /** Records are handed out this often, in milliseconds. */
  readonly stepMs: number;
  readonly fromPosition: number;
  readonly clock: Clock;
}

/**
 * Yields the positions up to which records are due, each when it is due, without drift.
 * The positions lie on a grid from 0 on that the pace alone decides, so a run that starts again
 * in the middle has its steps at the same places.
 */
export async function* pacedSteps(pace: Pace, signal: AbortSignal): AsyncGenerator<number, void, undefined> {
  const { rate, stepMs, fromPosition, clock } = pace;
  const endOf = (step: number): number => Math.floor((step * rate * stepMs) / 1_000);
  const firstAfter = (position: number): number => {
    let step = Math.floor((position * 1_000) / (rate * stepMs));
    while (endOf(step) <= position) step += 1;
    return step;
  };
  let step = firstAfter(fromPosition);
  // The first records come after one step, also where records are many steps apart.
  let zeroMs = clock.nowMs() - (step - 1) * stepMs;
  for (;;) {
    const waitMs = zeroMs + step * stepMs - clock.nowMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    else if (-waitMs > MAX_CATCH_UP_MS) zeroMs += -waitMs - MAX_CATCH_UP_MS;
    if (signal.aborted) return;
    const end = endOf(step);
    yield end;
    step = firstAfter(end);
  }
}
