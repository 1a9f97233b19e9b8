/**
 * Protobuf wire format into bytes that have room for it. Each writes at a position and returns the one
 * after it: a position in a variable costs less than one in an object, for each of a record's 50 bytes.
 */

/** Bytes that {@link writeInt64Field} needs at most, for a field number below 16. */
export const INT64_FIELD_BYTES = 11;

/** An unsigned number below 2^31. Needs 5 bytes. */
export function writeVarint32(bytes: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** An int64 field from its halves, as proto3 writes it: a zero is absent. */
export function writeInt64Field(
  bytes: Uint8Array,
  position: number,
  tag: number,
  lo: number,
  hi: number,
): number {
  let low = lo >>> 0;
  let high = hi >>> 0;
  if (low === 0 && high === 0) return position;
  let at = position;
  bytes[at++] = tag;
  while (high !== 0) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  while (low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  bytes[at++] = low;
  return at;
}

/** Longest text that is copied byte by byte; longer ones are quicker by a call. */
const MAX_SHORT_TEXT = 64;

/** Copies `source[start, end)`. */
export function writeBytes(
  bytes: Uint8Array,
  position: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start > MAX_SHORT_TEXT) {
    bytes.set(source.subarray(start, end), position);
    return position + end - start;
  }
  let at = position;
  for (let index = start; index < end; index += 1) bytes[at++] = source[index] ?? 0;
  return at;
}
