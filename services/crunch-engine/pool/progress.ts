/** In place of a record while the thread loads the cruncher, which it does with its first request. */
export const LOADING = -2;

/** Where a thread is in a request: written by the thread for each record, read by the main thread. */
export interface Position {
  /** 0 until the thread has begun with the request. */
  readonly threadId: number;
  /** Place of the record in the request's frame; -1 while no record is being crunched, or {@link LOADING}. */
  readonly record: number;
}

const THREAD = 0;
const RECORD = 1;

/** The position of one request in memory that both threads see, so that it outlives the thread. */
export class Progress {
  readonly memory: SharedArrayBuffer;
  readonly #slots: Int32Array;

  constructor(memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#slots = new Int32Array(memory);
    if (this.#slots[THREAD] === 0) this.#slots[RECORD] = -1;
  }

  beginLoading(threadId: number): void {
    Atomics.store(this.#slots, THREAD, threadId);
    Atomics.store(this.#slots, RECORD, LOADING);
  }

  begin(threadId: number): void {
    Atomics.store(this.#slots, RECORD, -1);
    Atomics.store(this.#slots, THREAD, threadId);
  }

  enterRecord(record: number): void {
    Atomics.store(this.#slots, RECORD, record);
  }

  leaveRecords(): void {
    Atomics.store(this.#slots, RECORD, -1);
  }

  position(): Position {
    return {
      threadId: Atomics.load(this.#slots, THREAD),
      record: Atomics.load(this.#slots, RECORD),
    };
  }
}
