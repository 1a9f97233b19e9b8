/**
 * Tells IDs that are surely new from those that may be known, in two bytes an ID.
 *
 * A split block Bloom filter, as Parquet has it: an ID sets one bit in each of the eight words of one
 * block. Its word is final for "new"; about one new ID in a thousand is taken for a known one and has
 * to be looked up.
 */

const BLOCK_WORDS = 8;
/** 16 bits an ID. */
const IDS_PER_BLOCK = 16;
const FIRST_CAPACITY = 2 ** 22;
/** IDs whose blocks are fetched together: 64 bytes each, which a processor's second cache holds. */
const STRETCH_IDS = 1_024;
/** So many layers of a size before one of twice the size: few to ask, and little memory ahead of the IDs. */
const LAYERS_PER_SIZE = 2;

/** The salts of Parquet's filter: odd numbers that spread a hash over the bits of a word. */
const SALTS = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;
const [S0, S1, S2, S3, S4, S5, S6, S7] = SALTS;

/** A filter of one size. */
class Layer {
  readonly words: Uint32Array;
  /** Of the number of the block, counted in blocks. */
  readonly mask: number;
  room: number;

  constructor(capacity: number) {
    const blocks = capacity / IDS_PER_BLOCK;
    this.words = new Uint32Array(blocks * BLOCK_WORDS);
    this.mask = blocks - 1;
    this.room = capacity;
  }

  /** Reads the first word of each block, so that all of it is near when it is asked. */
  touch(places: Int32Array, count: number): number {
    const { words, mask } = this;
    let touched = 0;
    for (let index = 0; index < count; index += 1) {
      touched ^= words[((places[index] ?? 0) & mask) * BLOCK_WORDS] ?? 0;
    }
    return touched;
  }

  mayHave(place: number, hash: number): boolean {
    const { words } = this;
    const at = (place & this.mask) * BLOCK_WORDS;
    for (let word = 0; word < BLOCK_WORDS; word += 1) {
      const bit = 1 << (Math.imul(hash, SALTS[word] ?? 0) >>> 27);
      if (((words[at + word] ?? 0) & bit) === 0) return false;
    }
    return true;
  }

  /** @returns false if all bits were set before. Unrolled: it runs for every row. */
  add(place: number, hash: number): boolean {
    const { words } = this;
    const at = (place & this.mask) * BLOCK_WORDS;
    const w0 = words[at] ?? 0;
    const w1 = words[at + 1] ?? 0;
    const w2 = words[at + 2] ?? 0;
    const w3 = words[at + 3] ?? 0;
    const w4 = words[at + 4] ?? 0;
    const w5 = words[at + 5] ?? 0;
    const w6 = words[at + 6] ?? 0;
    const w7 = words[at + 7] ?? 0;
    const b0 = 1 << (Math.imul(hash, S0) >>> 27);
    const b1 = 1 << (Math.imul(hash, S1) >>> 27);
    const b2 = 1 << (Math.imul(hash, S2) >>> 27);
    const b3 = 1 << (Math.imul(hash, S3) >>> 27);
    const b4 = 1 << (Math.imul(hash, S4) >>> 27);
    const b5 = 1 << (Math.imul(hash, S5) >>> 27);
    const b6 = 1 << (Math.imul(hash, S6) >>> 27);
    const b7 = 1 << (Math.imul(hash, S7) >>> 27);
    words[at] = w0 | b0;
    words[at + 1] = w1 | b1;
    words[at + 2] = w2 | b2;
    words[at + 3] = w3 | b3;
    words[at + 4] = w4 | b4;
    words[at + 5] = w5 | b5;
    words[at + 6] = w6 | b6;
    words[at + 7] = w7 | b7;
    const isNew =
      (b0 & ~w0) | (b1 & ~w1) | (b2 & ~w2) | (b3 & ~w3) | (b4 & ~w4) | (b5 & ~w5) | (b6 & ~w6) | (b7 & ~w7);
    if (isNew === 0) return false;
    this.room -= 1;
    return true;
  }
}

/** Every ID ever added, or so it says; see above. Grows with them. */
export class BloomFilter {
  readonly #older: Layer[] = [];
  readonly #places = new Int32Array(STRETCH_IDS);
  readonly #hashes = new Int32Array(STRETCH_IDS);
  /** Of no meaning; what is read must go somewhere, or the compiler leaves the reading out. */
  #touched = 0;
  #newest: Layer;
  #capacity: number;

  /** @param firstCapacity IDs until it grows for the first time; a power of two from 16 */
  constructor(firstCapacity = FIRST_CAPACITY) {
    this.#capacity = firstCapacity;
    this.#newest = new Layer(firstCapacity);
  }

  /**
   * Adds the IDs of places `from` to `to`, one after the other.
   *
   * @param known takes the places of those that may have been added before, also by an earlier place
   */
  addAll(ids: BigInt64Array, from: number, to: number, known: number[]): void {
    for (let start = from; start < to; start += STRETCH_IDS) {
      const count = Math.min(STRETCH_IDS, to - start);
      this.#hash(new Uint32Array(ids.buffer, ids.byteOffset + start * 8, count * 2));
      this.#fetch(count);
      for (let index = 0; index < count; index += 1) {
        const place = this.#places[index] ?? 0;
        const hash = this.#hashes[index] ?? 0;
        if (this.#isOlder(place, hash) || !this.#newest.add(place, hash)) known.push(start + index);
        else if (this.#newest.room === 0) this.#grow();
      }
    }
  }

  #hash(halves: Uint32Array): void {
    const count = halves.length / 2;
    for (let index = 0; index < count; index += 1) {
      const low = halves[2 * index] ?? 0;
      const high = halves[2 * index + 1] ?? 0;
      // Two hashes of all 64 bits, so that no pattern of IDs fills few blocks or few bits.
      let place = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
      place = Math.imul(place ^ (place >>> 15) ^ high, 0xc2b2ae35);
      place ^= place >>> 16;
      let hash = Math.imul(low + Math.imul(high ^ (place >>> 7), 0x27d4eb2f), 0x165667b1);
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
      hash ^= hash >>> 14;
      this.#places[index] = place;
      this.#hashes[index] = hash;
    }
  }

  /** Touches the blocks of a stretch, which the processor then fetches side by side. */
  #fetch(count: number): void {
    this.#touched ^= this.#newest.touch(this.#places, count);
    for (const layer of this.#older) this.#touched ^= layer.touch(this.#places, count);
  }

  #isOlder(place: number, hash: number): boolean {
    for (const layer of this.#older) if (layer.mayHave(place, hash)) return true;
    return false;
  }

  #grow(): void {
    this.#older.push(this.#newest);
    if (this.#older.length % LAYERS_PER_SIZE === 0) this.#capacity *= 2;
    this.#newest = new Layer(this.#capacity);
  }
}
