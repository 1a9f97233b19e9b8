import { BloomFilter } from "./bloom-filter.js";
import { IdRuns } from "./id-runs.js";

/** Shorter runs are not worth a range. */
const MIN_RUN_IDS = 32;

/**
 * Tells IDs that are surely new from those that may be known. Runs of IDs that are counted up cost
 * next to nothing, neither time nor memory; all others two bytes an ID in a Bloom filter.
 *
 * Ranges and Bloom filter are asked and compared as doubles. Rounding keeps the order of IDs, so beyond
 * 2^53 a new ID may be taken for a known one, but never a known one for a new one.
 */
export class IdFilter {
  readonly #runs = new IdRuns();
  readonly #bloom: BloomFilter;
  /** The bounds of what is in the Bloom filter. */
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;

  /** @param firstCapacity IDs until the Bloom filter grows for the first time; a power of two from 16 */
  constructor(firstCapacity?: number) {
    this.#bloom = new BloomFilter(firstCapacity);
  }

  /**
   * Adds IDs, one after the other.
   *
   * @returns places of those that may have been added before, also by an earlier place of `ids`
   */
  addAll(ids: BigInt64Array): number[] {
    const known: number[] = [];
    const low = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    const high = new Int32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    let pending = 0;
    for (let start = 0; start < ids.length;) {
      const end = endOfRun(low, start, ids.length);
      if (end - start >= MIN_RUN_IDS) {
        // First those before it: an ID of theirs may be in the run.
        this.#addEach(ids, low, high, pending, start, known);
        const first = asNumber(low, high, start);
        if (!this.#claim(first, asNumber(low, high, end - 1))) {
          this.#addEach(ids, low, high, start, end, known);
        }
        pending = end;
      }
      start = end;
    }
    this.#addEach(ids, low, high, pending, ids.length, known);
    return known;
  }

  #claim(first: number, last: number): boolean {
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return false;
    if (first <= this.#highest && last >= this.#lowest) return false;
    return this.#runs.add(first, last);
  }

  #addEach(
    ids: BigInt64Array,
    low: Uint32Array,
    high: Int32Array,
    from: number,
    to: number,
    known: number[],
  ): void {
    let unknownFrom = from;
    for (let place = from; place < to; place += 1) {
      const id = asNumber(low, high, place);
      if (!this.#runs.isEmpty && this.#runs.has(id)) {
        this.#bloom.addAll(ids, unknownFrom, place, known);
        known.push(place);
        unknownFrom = place + 1;
        continue;
      }
      if (id < this.#lowest) this.#lowest = id;
      if (id > this.#highest) this.#highest = id;
    }
    this.#bloom.addAll(ids, unknownFrom, to, known);
  }
}

/** Where the IDs from `start` on stop counting up; a carry into the upper half ends a run, too. */
function endOfRun(low: Uint32Array, start: number, length: number): number {
  let end = start + 1;
  while (
    end < length &&
    low[2 * end] === (low[2 * end - 2] ?? 0) + 1 &&
    low[2 * end + 1] === low[2 * end - 1]
  ) {
    end += 1;
  }
  return end;
}

function asNumber(low: Uint32Array, high: Int32Array, place: number): number {
  return (high[2 * place + 1] ?? 0) * 2 ** 32 + (low[2 * place] ?? 0);
}
