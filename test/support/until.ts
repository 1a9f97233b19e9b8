import { setTimeout as delay } from "node:timers/promises";

/** Polls each 10 ms until the condition holds; throws when it does not within `deadlineMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
  what = "condition",
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what} not met within ${String(deadlineMs)} ms`);
    await delay(10);
  }
}
