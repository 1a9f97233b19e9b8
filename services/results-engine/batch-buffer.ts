/** Limits of a batch. The first one reached makes it due. */
export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Messages after which no more can arrive, because the consumer hands out no more unacked ones. */
  readonly maxMessages: number;
  /** Longest that an item waits for others, in milliseconds. */
  readonly maxWaitMs: number;
}

/** How much an item adds to a batch. */
export interface ItemSize {
  readonly rows: number;
  readonly bytes: number;
  readonly messages: number;
}

interface Held<Item> extends ItemSize {
  readonly item: Item;
  readonly addedAtMs: number;
}

/** Holds items and says when they are due. No timer and no I/O: the time is an argument. */
export class BatchBuffer<Item> {
  readonly #limits: BatchLimits;
  readonly #held: Held<Item>[] = [];
  #rows = 0;
  #bytes = 0;
  #messages = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get rows(): number {
    return this.#rows;
  }

  add(item: Item, size: ItemSize, nowMs: number): void {
    this.#held.push({ item, ...size, addedAtMs: nowMs });
    this.#rows += size.rows;
    this.#bytes += size.bytes;
    this.#messages += size.messages;
  }

  /** Milliseconds until a batch should be taken: 0 when it is due, Infinity when nothing is held. */
  dueInMs(nowMs: number): number {
    const [oldest] = this.#held;
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    const { maxRows, maxBytes, maxMessages, maxWaitMs } = this.#limits;
    if (this.#rows >= maxRows || this.#bytes >= maxBytes || this.#messages >= maxMessages) return 0;
    return Math.max(0, oldest.addedAtMs + maxWaitMs - nowMs);
  }

  /** Takes the oldest items that fit a batch; an item larger than a batch goes alone. */
  take(): Item[] {
    const { maxRows, maxBytes, maxMessages } = this.#limits;
    let rows = 0;
    let bytes = 0;
    let messages = 0;
    let count = 0;
    for (const held of this.#held) {
      const isOver =
        rows + held.rows > maxRows || bytes + held.bytes > maxBytes || messages + held.messages > maxMessages;
      if (count > 0 && isOver) break;
      rows += held.rows;
      bytes += held.bytes;
      messages += held.messages;
      count += 1;
    }
    this.#rows -= rows;
    this.#bytes -= bytes;
    this.#messages -= messages;
    return this.#held.splice(0, count).map((held) => held.item);
  }
}
