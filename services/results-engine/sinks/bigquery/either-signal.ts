/** Aborts with the first of several. AbortSignal.any would pile up on one that lives as long as the engine. */
export function eitherSignal(...sources: readonly AbortSignal[]): {
  readonly ending: AbortSignal;
  /** To be called when `ending` is no longer needed. */
  readonly release: () => void;
} {
  const either = new AbortController();
  const abort = (): void => either.abort();
  for (const source of sources) {
    if (source.aborted) abort();
    else source.addEventListener("abort", abort, { once: true });
  }
  return {
    ending: either.signal,
    release: () => {
      for (const source of sources) source.removeEventListener("abort", abort);
    },
  };
}
