/**
 * Protobuf wire format by hand, slow and plain, so that tests can build bytes which no encoder
 * makes and take bytes apart without the code under test.
 */

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** Deepest nesting of groups that {@link fieldsOf} follows. */
const MAX_GROUP_DEPTH = 100;

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A varint; `paddingBytes` more bytes than needed (0x80 ... 0x00), which readers have to accept. */
export function varint(value: bigint | number, paddingBytes = 0): Uint8Array {
  if (value >= 0 && value < 0x80 && paddingBytes === 0) return Uint8Array.of(Number(value));
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  for (let padding = 0; padding < paddingBytes && out.length < 10; padding += 1) {
    out.push((out.pop() ?? 0) | 0x80, 0);
  }
  return Uint8Array.from(out);
}

export function tag(fieldNumber: number, wireType: number): Uint8Array {
  return varint(fieldNumber * 8 + wireType);
}

export function varintField(fieldNumber: number, value: bigint | number, paddingBytes = 0): Uint8Array {
  return concat([tag(fieldNumber, 0), varint(value, paddingBytes)]);
}

export function bytesField(fieldNumber: number, bytes: Uint8Array, paddingBytes = 0): Uint8Array {
  return concat([tag(fieldNumber, 2), varint(bytes.length, paddingBytes), bytes]);
}

export function textField(fieldNumber: number, text: string): Uint8Array {
  return bytesField(fieldNumber, new TextEncoder().encode(text));
}

export function groupField(fieldNumber: number, content: Uint8Array): Uint8Array {
  return concat([tag(fieldNumber, 3), content, tag(fieldNumber, 4)]);
}

/** One field as it lies in the bytes. */
export interface WireField {
  readonly fieldNumber: number;
  readonly wireType: number;
  /** What a varint says, as int64. */
  readonly number: bigint;
  /** Content of a length-delimited field. */
  readonly bytes: Uint8Array;
}

/**
 * Every field of one message, strictly: no field leaves the message, no varint is longer than 10
 * bytes. @throws Error on anything else
 */
export function fieldsOf(bytes: Uint8Array): WireField[] {
  return [...eachField(bytes)];
}

/**
 * The same one by one.
 *
 * @param onHead told of each field before its value is read, so also of the one that is broken
 */
export function* eachField(
  bytes: Uint8Array,
  onHead: (fieldNumber: number, wireType: number) => void = () => undefined,
): Generator<WireField, void, undefined> {
  let at = 0;
  while (at < bytes.length) yield readField(0);

  function readVarint(maxBytes: number): bigint {
    let value = 0n;
    for (let index = 0; index < maxBytes; index += 1) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the end is in a varint");
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error("long varint");
  }

  function take(count: bigint): Uint8Array {
    if (count > BigInt(bytes.length - at)) throw new Error("the end is in a field");
    const taken = bytes.subarray(at, at + Number(count));
    at += Number(count);
    return taken;
  }

  function readField(depth: number): WireField {
    const key = readVarint(5);
    if (key > 0xffff_ffffn || key >> 3n === 0n) throw new Error("field number out of range");
    const fieldNumber = Number(key >> 3n);
    const wireType = Number(key & 7n);
    if (depth === 0) onHead(fieldNumber, wireType);
    const field = { fieldNumber, wireType, number: 0n, bytes: new Uint8Array() };
    if (wireType === 0) return { ...field, number: BigInt.asIntN(64, readVarint(10)) };
    if (wireType === 1) return { ...field, bytes: take(8n) };
    if (wireType === 2) return { ...field, bytes: take(readVarint(10)) };
    if (wireType === 5) return { ...field, bytes: take(4n) };
    if (wireType !== 3) throw new Error("wire type");
    if (depth >= MAX_GROUP_DEPTH) throw new Error("groups too deep");
    for (;;) {
      const inner = endOrField(depth);
      if (inner === fieldNumber) return field;
      if (inner !== undefined) throw new Error("another group ends");
    }
  }

  /** The number of the group that ends here, or undefined once a field of it is passed. */
  function endOrField(depth: number): number | undefined {
    const start = at;
    const key = readVarint(5);
    if ((key & 7n) === 4n && key >> 3n !== 0n && key <= 0xffff_ffffn) return Number(key >> 3n);
    at = start;
    readField(depth + 1);
    return undefined;
  }
}
