/** Ranges that are confirmed in any order -> the position before which every one is. */
export class Watermark {
  #confirmed: number;
  /** Ranges that were begun and not yet passed, in order. */
  readonly #open: { readonly endPosition: number; isDone: boolean }[] = [];

  constructor(fromPosition: number) {
    this.#confirmed = fromPosition;
  }

  /** Every row before this position is confirmed. */
  get confirmedPosition(): number {
    return this.#confirmed;
  }

  /** Ranges from the first that is not confirmed on. */
  get openRanges(): number {
    return this.#open.length;
  }

  /** Begins the next range. @returns what to call when it is confirmed */
  begin(endPosition: number): () => void {
    const range = { endPosition, isDone: false };
    this.#open.push(range);
    return () => {
      range.isDone = true;
      while (this.#open[0]?.isDone === true) {
        this.#confirmed = this.#open.shift()?.endPosition ?? this.#confirmed;
      }
    };
  }
}
