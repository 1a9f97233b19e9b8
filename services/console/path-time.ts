/**
 * How long records take from publishing to their end, from the counts alone: what is done now had been
 * published when the count of published records was as high. Exact where records end in the order they
 * came, as they nearly do.
 */

interface Sample {
  readonly tickMs: number;
  readonly published: number;
}

export class PathTime {
  readonly #windowMs: number;
  /** Oldest first. */
  #samples: Sample[] = [];

  /** @param windowMs what took longer cannot be told */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /**
   * @param counts records published, and those of them that are stored, repeated or parked
   * @param tickMs of a clock that never goes back
   * @returns seconds; 0 when nothing is outstanding; undefined when it was published before the window
   */
  add(
    { published, done }: { readonly published: number; readonly done: number },
    tickMs: number,
  ): number | undefined {
    this.#samples = this.#samples.filter((sample) => tickMs - sample.tickMs <= this.#windowMs);
    // Streams that were made anew count from the start again.
    if ((this.#samples.at(-1)?.published ?? 0) > published) this.#samples = [];
    this.#samples.push({ tickMs, published });
    if (done >= published) return 0;
    // The next record to end was published after the last look that had no more than are done.
    const index = this.#samples.findIndex((sample) => sample.published > done);
    const after = this.#samples[index];
    const before = this.#samples[index - 1];
    if (after === undefined || before === undefined) return undefined;
    const share = (done - before.published) / (after.published - before.published);
    const publishedAtMs = before.tickMs + share * (after.tickMs - before.tickMs);
    return (tickMs - publishedAtMs) / 1_000;
  }
}
