import { WireWriter } from "./wire-writer.js";

/** Tag and one length byte: the head of an entry shorter than 128 bytes, which most are. */
const SHORT_HEAD_BYTES = 2;
const LONG_HEAD_BYTES = 6;

/** Writes the entries of a frame: each a length-delimited message whose length is known last. */
export class EntryWriter extends WireWriter {
  readonly #tag: number;
  #bodyStart = 0;

  constructor(tag: number, initialBytes: number) {
    super(initialBytes);
    this.#tag = tag;
  }

  begin(): void {
    this.reserve(LONG_HEAD_BYTES);
    this.byte(this.#tag);
    this.length += SHORT_HEAD_BYTES - 1;
    this.#bodyStart = this.length;
  }

  end(): void {
    const start = this.#bodyStart;
    const bodyBytes = this.length - start;
    if (bodyBytes < 0x80) {
      this.bytes[start - 1] = bodyBytes;
      return;
    }
    // The body makes room for a longer length.
    this.reserve(LONG_HEAD_BYTES);
    this.length = start - 1;
    const moveTo = start - 1 + varint32Bytes(bodyBytes);
    this.bytes.copyWithin(moveTo, start, start + bodyBytes);
    this.varint32(bodyBytes);
    this.length = moveTo + bodyBytes;
  }
}

function varint32Bytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
