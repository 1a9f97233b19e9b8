import { BloomFilter } from "./bloom-filter.js";
import { IdPages } from "./id-pages.js";
import { IdRuns } from "./id-runs.js";

/** Shorter runs are not worth a range. */
const MIN_RUN_IDS = 32;

/**
 * Every ID ever added. Runs of IDs that are counted up cost next to nothing, neither time nor memory; all others two
 * bytes an ID in a Bloom filter, which knows most new ones for new, and eight on disk, where the rest is looked up.
 *
 * Runs are asked and compared as doubles, so those beyond 2^53 are kept as single IDs.
 */
export class IdSet {
  readonly #runs = new IdRuns();
  readonly #bloom: BloomFilter;
  readonly #pages: IdPages;
  /** The bounds of what is in the Bloom filter. */
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;
  /** Of what was added since the last question: an ID was there for sure, and IDs that may have been. */
  #isKnown = false;
  #doubtful: bigint[] = [];

  /**
   * @param pathPrefix of the file on disk; see {@link IdPages}
   * @param firstCapacity IDs until the Bloom filter grows for the first time; a power of two from 16
   */
  constructor(pathPrefix: string, firstCapacity?: number) {
    this.#pages = new IdPages(pathPrefix);
    this.#bloom = new BloomFilter(firstCapacity);
  }

  /** Adds IDs, one after the other. */
  addAll(ids: BigInt64Array): void {
    const low = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    const high = new Int32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    let pending = 0;
    for (let start = 0; start < ids.length;) {
      const end = endOfRun(low, start, ids.length);
      if (end - start >= MIN_RUN_IDS) {
        // First those before it: an ID of theirs may be in the run.
        this.#addEach(ids, low, high, pending, start);
        const first = asNumber(low, high, start);
        if (!this.#claim(first, asNumber(low, high, end - 1))) {
          this.#addEach(ids, low, high, start, end);
        }
        pending = end;
      }
      start = end;
    }
    this.#addEach(ids, low, high, pending, ids.length);
  }

  /**
   * @returns true if each ID that was added since the last call was new then
   * @throws Error if the file cannot be read
   */
  wereNew(): boolean {
    const isKnown = this.#isKnown;
    const doubtful = this.#doubtful;
    this.#isKnown = false;
    this.#doubtful = [];
    return !isKnown && this.#pages.areOnce(doubtful);
  }

  /** Idempotent. */
  close(): void {
    this.#pages.close();
  }

  #claim(first: number, last: number): boolean {
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return false;
    if (first <= this.#highest && last >= this.#lowest) return false;
    return this.#runs.add(first, last);
  }

  #addEach(ids: BigInt64Array, low: Uint32Array, high: Int32Array, from: number, to: number): void {
    let unknownFrom = from;
    for (let place = from; place < to; place += 1) {
      const id = asNumber(low, high, place);
      if (!this.#runs.isEmpty && this.#runs.has(id)) {
        this.#addSingles(ids, unknownFrom, place);
        this.#isKnown = true;
        unknownFrom = place + 1;
        continue;
      }
      if (id < this.#lowest) this.#lowest = id;
      if (id > this.#highest) this.#highest = id;
    }
    this.#addSingles(ids, unknownFrom, to);
  }

  #addSingles(ids: BigInt64Array, from: number, to: number): void {
    const known: number[] = [];
    this.#bloom.addAll(ids, from, to, known);
    for (const place of known) this.#doubtful.push(ids[place] ?? 0n);
    this.#pages.addAll(ids, from, to);
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
