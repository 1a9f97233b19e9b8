/** Waits for a condition, asking every 10 ms. @throws Error that names `what` after `deadlineMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
  what = "condition",
): Promise<void> {
  const deadlineAtMs = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadlineAtMs) throw new Error(`waited ${String(deadlineMs)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
