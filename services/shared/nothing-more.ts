/** What a launcher says to an engine when no message will come any more: nothing is to wait for one. */
export const NOTHING_MORE = "nothing-more";

/** Aborts when the process that started this one says so; never without one. */
export function nothingMoreSignal(): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController();
  const hear = (message: unknown): void => {
    if (message === NOTHING_MORE) controller.abort();
  };
  process.on("message", hear);
  return { signal: controller.signal, done: () => process.off("message", hear) };
}
