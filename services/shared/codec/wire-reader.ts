/**
 * Reads protobuf wire format without allocating per field: 64-bit integers land as two 32-bit
 * halves in `lo` and `hi`, ready to be put into an aliased BigInt64Array column.
 */
import { EngineError } from "../errors.js";

export const WIRE = {
  varint: 0,
  fixed64: 1,
  lengthDelimited: 2,
  groupStart: 3,
  groupEnd: 4,
  fixed32: 5,
} as const;

/** Deepest nesting of groups that is skipped, as protobuf's own readers limit it. */
const MAX_DEPTH = 100;

/** A tag is a uint32, and no reader takes a longer one, not even one padded with zeros. */
const MAX_TAG_BYTES = 5;

/** What is wrong with the bytes, before anyone knows whether it harms one entry or the message. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export class WireReader {
  readonly bytes: Uint8Array;
  position: number;
  end: number;
  /** Halves of the varint read last. */
  lo = 0;
  hi = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
  }

  /** Moves the window that the following reads may not leave. */
  window(start: number, end: number): void {
    this.position = start;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  /** Reads a 64-bit varint into {@link lo} and {@link hi}. */
  varint64(): void {
    const { bytes, position, end } = this;
    // Up to five bytes at once: nearly all numbers and lengths. Behind the end there is no byte.
    const first = bytes[position] ?? 0;
    if (first < 0x80 && position < end) {
      this.#done(first, 1);
      return;
    }
    const second = bytes[position + 1] ?? 0;
    if (second < 0x80 && position + 1 < end) {
      this.#done((first & 0x7f) | (second << 7), 2);
      return;
    }
    const third = bytes[position + 2] ?? 0;
    if (third < 0x80 && position + 2 < end) {
      this.#done((first & 0x7f) | ((second & 0x7f) << 7) | (third << 14), 3);
      return;
    }
    const fourth = bytes[position + 3] ?? 0;
    const low = (first & 0x7f) | ((second & 0x7f) << 7) | ((third & 0x7f) << 14);
    if (fourth < 0x80 && position + 3 < end) {
      this.#done(low | (fourth << 21), 4);
      return;
    }
    // A fifth byte below 16 is the last that still lies in the low half: seconds and nanoseconds.
    const fifth = bytes[position + 4] ?? 0;
    if (fifth < 0x10 && position + 4 < end) {
      this.#done(low | ((fourth & 0x7f) << 21) | (fifth << 28), 5);
      return;
    }
    this.#longVarint64();
  }

  #done(lo: number, length: number): void {
    this.lo = lo;
    this.hi = 0;
    this.position += length;
  }

  #longVarint64(): void {
    const { bytes } = this;
    let { position } = this;
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byteAt(bytes, position++);
      lo |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.lo = lo;
        this.hi = 0;
        this.position = position;
        return;
      }
    }
    let byte = this.#byteAt(bytes, position++);
    lo |= (byte & 0x0f) << 28;
    hi = (byte & 0x7f) >> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (shift > 31) throw new WireError("a varint is longer than 10 bytes");
      byte = this.#byteAt(bytes, position++);
      hi |= (byte & 0x7f) << shift;
    }
    this.lo = lo;
    this.hi = hi;
    this.position = position;
  }

  /** Reads a tag; the field number is `tag >>> 3`, the wire type `tag & 7`. */
  tag(): number {
    const { position } = this;
    const byte = this.bytes[position] ?? 0;
    if (byte < 0x80 && byte > 7 && position < this.end) {
      this.position = position + 1;
      return byte;
    }
    return this.#longTag();
  }

  #longTag(): number {
    const start = this.position;
    this.varint64();
    const tag = this.lo >>> 0;
    const isLong = this.position - start > MAX_TAG_BYTES;
    if (isLong || this.hi !== 0 || tag >>> 3 === 0) {
      throw new WireError(`field number ${String(tag >>> 3)} is out of range`);
    }
    return tag;
  }

  /** Reads a length and checks that as many bytes follow. */
  length(): number {
    const { position, end } = this;
    const byte = this.bytes[position] ?? 0;
    if (byte < 0x80 && position + byte < end) {
      this.position = position + 1;
      return byte;
    }
    return this.#longLength();
  }

  #longLength(): number {
    this.varint64();
    const length = this.lo >>> 0;
    if (this.hi !== 0 || length > this.end - this.position) {
      throw new WireError(
        `a field of ${String(length)} bytes ends beyond the ${String(this.end)} that are there`,
      );
    }
    return length;
  }

  /** Passes over the value of a field we do not know. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.varint64();
        return;
      case WIRE.fixed64:
        this.#advance(8);
        return;
      case WIRE.fixed32:
        this.#advance(4);
        return;
      case WIRE.lengthDelimited:
        this.#advance(this.length());
        return;
      case WIRE.groupStart:
        this.#skipGroup(tag >>> 3, depth + 1);
        return;
      default:
        throw new WireError(`wire type ${String(tag & 7)} of field ${String(tag >>> 3)} is not known`);
    }
  }

  #skipGroup(field: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new WireError(`groups are nested deeper than ${String(MAX_DEPTH)}`);
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) !== WIRE.groupEnd) {
        this.skip(tag, depth);
        continue;
      }
      if (tag >>> 3 !== field)
        throw new WireError(`group ${String(field)} ends as group ${String(tag >>> 3)}`);
      return;
    }
  }

  #byteAt(bytes: Uint8Array, position: number): number {
    if (position >= this.end) throw new WireError("the bytes end in the middle of a number");
    return bytes[position] ?? 0;
  }

  #advance(count: number): void {
    if (count > this.end - this.position) throw new WireError("the bytes end in the middle of a field");
    this.position += count;
  }
}

/** The error of a message whose bytes cannot be taken apart. */
export function undecodable(what: string, thrown: unknown): EngineError {
  if (!(thrown instanceof WireError)) throw thrown;
  return new EngineError("undecodable", "park", `no ${what}: ${thrown.message}`, { cause: thrown });
}
