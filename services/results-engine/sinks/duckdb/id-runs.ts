/** Ranges at most: searched for every run, moved when one comes in between. */
const MAX_RANGES = 1_024;

/**
 * Runs of IDs that follow each other, kept as ranges: a table whose IDs were counted up is one range, however
 * long it is. Exact up to 2^53; the caller keeps what is beyond it elsewhere.
 */
export class IdRuns {
  /** Of range `i`, in rising order; no two overlap or touch. */
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];

  get isEmpty(): boolean {
    return this.#firsts.length === 0;
  }

  /** @returns false, with nothing added, if one of the IDs is there already or there are too many ranges */
  add(first: number, last: number): boolean {
    const at = this.#after(first);
    const left = this.#lasts[at - 1] ?? Number.NEGATIVE_INFINITY;
    const right = this.#firsts[at] ?? Number.POSITIVE_INFINITY;
    if (left >= first || right <= last) return false;
    const joinsLeft = left + 1 === first;
    const joinsRight = last + 1 === right;
    if (joinsLeft && joinsRight) {
      this.#lasts.splice(at - 1, 1);
      this.#firsts.splice(at, 1);
    } else if (joinsLeft) {
      this.#lasts[at - 1] = last;
    } else if (joinsRight) {
      this.#firsts[at] = first;
    } else {
      if (this.#firsts.length >= MAX_RANGES) return false;
      this.#firsts.splice(at, 0, first);
      this.#lasts.splice(at, 0, last);
    }
    return true;
  }

  has(id: number): boolean {
    return (this.#lasts[this.#after(id) - 1] ?? Number.NEGATIVE_INFINITY) >= id;
  }

  /** The first range that begins beyond `id`. */
  #after(id: number): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firsts[middle] ?? 0) <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
