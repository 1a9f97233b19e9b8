import { setTimeout as delay } from "node:timers/promises";

/** Time as deploying and scaling need it; a test moves its own. */
export interface Clock {
  /** Milliseconds since 1970, as Marathon's times are. */
  nowMs(): number;
  /** Resolves after that time, or at once when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const wallClock: Clock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};
