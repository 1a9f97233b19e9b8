/** Writes protobuf wire format into a buffer that grows and is used again. */

/** Turns a bigint into two 32-bit halves without BigInt arithmetic. */
const scratch = new BigInt64Array(1);
const halves = new Uint32Array(scratch.buffer);
const utf8 = new TextEncoder();

/** Longest text that is tried byte by byte; longer ones are quicker through TextEncoder. */
const MAX_SHORT_TEXT = 64;

export class WireWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(initialBytes = 65_536) {
    this.bytes = new Uint8Array(initialBytes);
  }

  /** Makes room; call once before a run of writes that need at most `bytes` together. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** An unsigned number below 2^31. Needs 5 bytes. */
  varint32(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** A 64-bit number from its halves. Needs 10 bytes. */
  varint64(lo: number, hi: number): void {
    let low = lo >>> 0;
    let high = hi >>> 0;
    while (high !== 0 || low > 0x7f) {
      this.bytes[this.length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.length++] = low;
  }

  /** An int64 field as proto3 writes it: a zero is absent. Needs 11 bytes. */
  int64Field(tag: number, value: bigint): void {
    scratch[0] = value;
    this.int64HalvesField(tag, halves[0] ?? 0, halves[1] ?? 0);
  }

  /** The same from halves. */
  int64HalvesField(tag: number, lo: number, hi: number): void {
    if (lo === 0 && hi === 0) return;
    this.byte(tag);
    this.varint64(lo, hi);
  }

  /** Copies bytes. Needs their length. */
  raw(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { length } = this;
    if (end - start > MAX_SHORT_TEXT) {
      bytes.set(source.subarray(start, end), length);
      length += end - start;
    } else {
      for (let index = start; index < end; index += 1) bytes[length++] = source[index] ?? 0;
    }
    this.length = length;
  }

  /** A text field as proto3 writes it: an empty text is absent. Makes its own room. */
  textField(tag: number, text: string): void {
    if (text.length === 0) return;
    this.reserve(text.length * 3 + 6);
    this.byte(tag);
    if (text.length <= MAX_SHORT_TEXT && this.#shortAscii(text)) return;
    const bytes = utf8.encode(text);
    this.varint32(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  /** Writes length and text if every character is ASCII; else leaves no trace. */
  #shortAscii(text: string): boolean {
    const { bytes } = this;
    const start = this.length;
    let position = start;
    bytes[position++] = text.length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[position++] = code;
    }
    this.length = position;
    return true;
  }
}
