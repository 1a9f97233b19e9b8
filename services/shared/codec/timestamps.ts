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
    if (this.#readUsual(reader, length)) return;
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

  /**
   * Reads what nearly all Timestamps are: seconds in five bytes (1978 to 2038), then nanoseconds.
   *
   * @returns false, having changed nothing, on any other
   */
  #readUsual(reader: WireReader, length: number): boolean {
    const { bytes, position } = reader;
    const nanosTag = position + 6;
    const end = position + length;
    if (nanosTag >= end || bytes[position] !== TAG_SECONDS || bytes[nanosTag] !== TAG_NANOS) return false;
    const seconds = varint31(bytes, position + 1, nanosTag);
    const nanos = varint31(bytes, nanosTag + 1, end);
    if (seconds < 0 || nanos < 0) return false;
    this.#seconds = seconds;
    this.#nanos = nanos;
    reader.position = end;
    return true;
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

/** The varint that fills `bytes[start, end)`; -1 if there is none, or it is not below 2^31. */
function varint31(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let at = start;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at === end && (shift < 28 || byte < 8) ? value : -1;
  }
  return -1;
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
  if (lo === value) {
    while (lo > 0x7f) {
      bytes[at++] = (lo & 0x7f) | 0x80;
      lo >>>= 7;
    }
    bytes[at++] = lo;
    return at;
  }
  let hi = Math.floor(value / 2 ** 32) >>> 0;
  while (hi !== 0 || lo > 0x7f) {
    bytes[at++] = (lo & 0x7f) | 0x80;
    lo = ((lo >>> 7) | (hi << 25)) >>> 0;
    hi >>>= 7;
  }
  bytes[at++] = lo;
  return at;
}
