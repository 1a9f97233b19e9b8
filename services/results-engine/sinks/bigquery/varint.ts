/**
 * Writes protobuf's numbers straight into a byte buffer. Every function takes the place to write at and
 * returns the place after it; the caller has made room.
 */
import { writeVarint32 } from "../../../shared/codec/wire-writer.js";
import type { Int64Reader } from "./bytes.js";

/** The longest varint: a negative int64. */
export const VARINT_MAX_BYTES = 10;

/** The value as int64, without making a bigint. */
export function writeVarint64(bytes: Buffer, at: number, column: Int64Reader, index: number): number {
  let place = at;
  let low = column.lowAt(index);
  let high = column.highAt(index);
  while (high !== 0 || low >>> 0 > 0x7f) {
    bytes[place++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  bytes[place++] = low;
  return place;
}

/** A whole number from 0 to 2^53 as int64. */
export function writeVarintNumber(bytes: Buffer, at: number, value: number): number {
  let place = at;
  let rest = value;
  while (rest > 0x7fffffff) {
    bytes[place++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  return writeVarint32(bytes, place, rest);
}
