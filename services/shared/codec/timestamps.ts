/** google.protobuf.Timestamp <-> microseconds in a BigInt64Array, without BigInt arithmetic per row. */
import { WIRE, WireError } from "./wire-reader.js";
import type { WireReader } from "./wire-reader.js";

const TAG_SECONDS = (1 << 3) | WIRE.varint;
const TAG_NANOS = (2 << 3) | WIRE.varint;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range that protobuf gives a Timestamp. */
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

/** Reads Timestamps; keeps the last one's second, because neighbours mostly share it. */
export class TimestampReader {
  readonly #field: string;
  #seconds = 0;
  #nanos = 0;
  #baseSeconds = Number.NaN;
  readonly #base = new BigInt64Array(1);
  readonly #baseHalves = new Uint32Array(this.#base.buffer);

  constructor(field: string) {
    this.#field = field;
  }

  /** An absent Timestamp is the epoch. */
  reset(): void {
    this.#seconds = 0;
    this.#nanos = 0;
  }

  /** Reads a Timestamp of `length` bytes; a repeated field merges, as protobuf has it. */
  read(reader: WireReader, length: number): void {
    const outerEnd = reader.end;
    const end = reader.position + length;
    reader.end = end;
    while (!reader.atEnd) {
      const tag = reader.tag();
      if (tag === TAG_SECONDS) {
        reader.varint64();
        this.#seconds = reader.hi * 2 ** 32 + (reader.lo >>> 0);
      } else if (tag === TAG_NANOS) {
        reader.varint64();
        this.#nanos = reader.lo;
      } else {
        reader.skip(tag);
      }
    }
    reader.end = outerEnd;
  }

  /** Puts the microseconds, rounded down, into row `row` of a column seen as 32-bit halves. */
  store(columnHalves: Uint32Array, row: number): void {
    const seconds = this.#seconds;
    const nanos = this.#nanos;
    if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
      throw new WireError(`${this.#field} of ${String(seconds)} s lies outside the years 0001 to 9999`);
    }
    if (nanos < 0 || nanos > 999_999_999) {
      throw new WireError(`${this.#field} has ${String(nanos)} nanoseconds, which must be 0 to 999999999`);
    }
    if (seconds !== this.#baseSeconds) {
      this.#base[0] = BigInt(seconds) * 1_000_000n;
      this.#baseSeconds = seconds;
    }
    const lo = (this.#baseHalves[0] ?? 0) + Math.floor(nanos / 1000);
    columnHalves[2 * row] = lo;
    columnHalves[2 * row + 1] = (this.#baseHalves[1] ?? 0) + (lo > 0xffff_ffff ? 1 : 0);
  }
}

/** Writes the body of a Timestamp. @returns the position after it */
export function writeTimestamp(bytes: Uint8Array, position: number, seconds: number, nanos: number): number {
  let at = position;
  if (seconds !== 0) {
    bytes[at++] = TAG_SECONDS;
    at = writeVarint53(bytes, at, seconds);
  }
  if (nanos !== 0) {
    bytes[at++] = TAG_NANOS;
    at = writeVarint53(bytes, at, nanos);
  }
  return at;
}

/** Bytes that the body of any Timestamp fits in. */
export const MAX_TIMESTAMP_BYTES = 17;

function writeVarint53(bytes: Uint8Array, position: number, value: number): number {
  let at = position;
  let lo = value >>> 0;
  let hi = Math.floor(value / 2 ** 32) >>> 0;
  while (hi !== 0 || lo > 0x7f) {
    bytes[at++] = (lo & 0x7f) | 0x80;
    lo = ((lo >>> 7) | (hi << 25)) >>> 0;
    hi >>>= 7;
  }
  bytes[at++] = lo;
  return at;
}
