/** A piece may be so many times as large as what it is taken for. */
const MAX_SLACK = 2;
/** Pieces that are looked at for one that fits. */
const MAX_LOOKS = 64;

/**
 * Memory that is used again instead of being left to the garbage collector. What thousands of messages leave
 * behind lies outside of V8's heap, where it counts for little until 64 MiB of it have come together.
 *
 * Holds no more pieces than were in use at the same time, and lets go of sizes that are not asked for any more.
 */
export class MemoryPool {
  /** Those given back last at the end. */
  readonly #free: ArrayBuffer[] = [];

  /** @returns memory of that size at least, which may hold anything */
  take(bytes: number): ArrayBuffer {
    const last = this.#free.length - 1;
    for (let at = last; at >= 0 && last - at < MAX_LOOKS; at -= 1) {
      const memory = this.#free[at];
      if (memory === undefined || memory.byteLength < bytes || memory.byteLength > MAX_SLACK * bytes)
        continue;
      this.#free.splice(at, 1);
      return memory;
    }
    // Instead of the one that was of no use for longest.
    this.#free.shift();
    // Some more, because messages that follow each other differ by a little.
    return new ArrayBuffer(bytes + (bytes >> 5));
  }

  /** Gives back what was taken, once nobody reads it any more. */
  give(memory: ArrayBuffer): void {
    this.#free.push(memory);
  }
}
