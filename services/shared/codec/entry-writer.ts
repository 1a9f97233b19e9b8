import { writeVarint32 } from "./wire-writer.js";

/** Tag and one length byte: the head of an entry shorter than 128 bytes, which most are. */
const SHORT_HEAD_BYTES = 2;
const LONG_HEAD_BYTES = 6;

/** Writes the entries of a frame: each a length-delimited message whose length is known last. Its buffer grows and is used again. */
export class EntryWriter {
  /** Valid until the next {@link begin}. */
  bytes: Uint8Array;
  /** Bytes of all entries that have ended. */
  length = 0;
  readonly #tag: number;

  constructor(tag: number, initialBytes: number) {
    this.bytes = new Uint8Array(initialBytes);
    this.#tag = tag;
  }

  /**
   * Begins an entry.
   *
   * @param maxBytes room for its body
   * @returns where in {@link bytes} the body begins
   */
  begin(maxBytes: number): number {
    const { length } = this;
    this.#reserve(length + LONG_HEAD_BYTES + maxBytes);
    this.bytes[length] = this.#tag;
    return length + SHORT_HEAD_BYTES;
  }

  /** @param end where the body of the entry ends */
  end(end: number): void {
    const { bytes, length } = this;
    const start = length + SHORT_HEAD_BYTES;
    const bodyBytes = end - start;
    if (bodyBytes < 0x80) {
      bytes[start - 1] = bodyBytes;
      this.length = end;
      return;
    }
    const moveTo = start - 1 + varint32Bytes(bodyBytes);
    bytes.copyWithin(moveTo, start, end);
    writeVarint32(bytes, start - 1, bodyBytes);
    this.length = moveTo + bodyBytes;
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  #reserve(needed: number): void {
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function varint32Bytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
