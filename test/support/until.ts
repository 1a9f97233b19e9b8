import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;
/** What a wait or a look takes longer than this, the machine stood still, and the condition with it. */
const MAX_WAIT_MS = 250;
const MAX_LOOK_MS = 2_000;

/**
 * Polls each 10 ms until the condition holds; throws when it does not within `deadlineMs`. It counts its own waits and
 * looks rather than time, so that nobody is blamed for a machine that was paused.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
  what = "condition",
): Promise<void> {
  let tookMs = 0;
  for (;;) {
    const lookAtMs = performance.now();
    const holds = await condition();
    const waitAtMs = performance.now();
    tookMs += Math.min(waitAtMs - lookAtMs, MAX_LOOK_MS);
    if (holds) return;
    if (tookMs > deadlineMs) throw new Error(`${what} not met within ${String(deadlineMs)} ms`);
    await delay(POLL_MS);
    tookMs += Math.min(performance.now() - waitAtMs, MAX_WAIT_MS);
  }
}
