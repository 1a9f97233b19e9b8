/** Limits of a batch. The first one reached makes it due. */
export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Messages after which no more can arrive, because the consumer hands out no more unacked ones. */
  readonly maxItems: number;
  /** Longest that an item waits for others, in milliseconds. */
  readonly maxWaitMs: number;
}

interface Held<Item> {
  readonly item: Item;
  readonly rows: number;
  readonly bytes: number;
  readonly addedAtMs: number;
}

/** Holds items and says when they are due. No timer and no I/O: the time is an argument. */
export class BatchBuffer<Item> {
  readonly #limits: BatchLimits;
  readonly #held: Held<Item>[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get rows(): number {
    return this.#rows;
  }

  add(item: Item, rows: number, bytes: number, nowMs: number): void {
    this.#held.push({ item, rows, bytes, addedAtMs: nowMs });
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** Milliseconds until a batch should be taken: 0 when it is due, Infinity when nothing is held. */
  dueInMs(nowMs: number): number {
    const [oldest] = this.#held;
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    const { maxRows, maxBytes, maxItems, maxWaitMs } = this.#limits;
    if (this.#rows >= maxRows || this.#bytes >= maxBytes || this.#held.length >= maxItems) return 0;
    return Math.max(0, oldest.addedAtMs + maxWaitMs - nowMs);
  }

  /** Takes the oldest items that fit a batch; an item larger than a batch goes alone. */
  take(): Item[] {
    const { maxRows, maxBytes, maxItems } = this.#limits;
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const held of this.#held) {
      const isOver = rows + held.rows > maxRows || bytes + held.bytes > maxBytes || count >= maxItems;
      if (count > 0 && isOver) break;
      rows += held.rows;
      bytes += held.bytes;
      count += 1;
    }
    this.#rows -= rows;
    this.#bytes -= bytes;
    return this.#held.splice(0, count).map((held) => held.item);
  }
}
