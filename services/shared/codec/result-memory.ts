import type { EntrySpans } from "./entries.js";
import type { MemoryPool } from "../memory-pool.js";

/** Five columns of 64 bits and five of 32. */
const ROW_BYTES = 5 * 8 + 5 * 4;

/** All columns that a message of results is decoded into, in one piece of memory: they come and go together. */
export class ResultMemory implements EntrySpans {
  readonly memory: ArrayBuffer;
  readonly ids: BigInt64Array;
  readonly data: BigInt64Array;
  readonly rData: BigInt64Array;
  readonly dTimeStampsUs: BigInt64Array;
  readonly processTimesUs: BigInt64Array;
  readonly metaStarts: Uint32Array;
  readonly metaEnds: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly indexes: Uint32Array;

  /** @param pool where the memory comes from; of its own unless given */
  constructor(count: number, pool: MemoryPool | undefined) {
    const bytes = count * ROW_BYTES;
    const memory = pool?.take(bytes) ?? new ArrayBuffer(bytes);
    let at = 0;
    const place = (width: number): number => {
      at += count * width;
      return at - count * width;
    };
    this.memory = memory;
    this.ids = new BigInt64Array(memory, place(8), count);
    this.data = new BigInt64Array(memory, place(8), count);
    this.rData = new BigInt64Array(memory, place(8), count);
    this.dTimeStampsUs = new BigInt64Array(memory, place(8), count);
    this.processTimesUs = new BigInt64Array(memory, place(8), count);
    this.metaStarts = new Uint32Array(memory, place(4), count);
    this.metaEnds = new Uint32Array(memory, place(4), count);
    this.starts = new Uint32Array(memory, place(4), count);
    this.ends = new Uint32Array(memory, place(4), count);
    this.indexes = new Uint32Array(memory, place(4), count);
  }
}
