/** So much at once and no more, first come first served. */
export class Slots {
  readonly #size: number;
  #free: number;
  readonly #waiting: { readonly weight: number; readonly start: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /**
   * Resolves when there is room. Who needs more than there is at all gets everything.
   *
   * @returns how to give it back, once
   */
  async take(weight = 1): Promise<() => void> {
    const share = Math.min(weight, this.#size);
    if (this.#waiting.length === 0 && share <= this.#free) this.#free -= share;
    else await new Promise<void>((start) => this.#waiting.push({ weight: share, start }));
    return () => {
      this.#free += share;
      for (
        let [next] = this.#waiting;
        next !== undefined && next.weight <= this.#free;
        [next] = this.#waiting
      ) {
        this.#waiting.shift();
        this.#free -= next.weight;
        next.start();
      }
    };
  }
}
