/**
 * What an entry must decode to, by protobuf-es and by the strict reader of `wire-bytes.ts`; and
 * what the codec made of it, in the same shape.
 *
 * Where the codec differs from protobuf-es, on purpose:
 * - A known field with another wire type is passed over as an unknown field, as the specification
 *   has it (C++, Go and Java do the same). protobuf-es reads on by the type in the schema.
 * - A field that ends beyond its message is refused. protobuf-es lets a Timestamp, or an entry of
 *   a frame, read on into what follows it.
 * - A varint of more than 10 bytes in an unknown field, and a length of more than 32 bits, are
 *   refused. protobuf-es accepts both.
 * - A U+FEFF at the start of a text is kept. protobuf-es drops it.
 * - Groups of unknown fields may be nested 100 deep. protobuf-es counts the messages around them, too.
 * - A Timestamp outside the years 0001 to 9999 is refused.
 */
import { deepStrictEqual } from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { MyDataSchema, MyResultSchema } from "../../../../proto/gen/messages_pb.js";
import { textAt } from "../../../../services/shared/codec/columns.js";
import { EngineError } from "../../../../services/shared/errors.js";
import { decodeRecords } from "../../../../services/shared/codec/record-codec.js";
import type { DecodedRecords } from "../../../../services/shared/codec/record-codec.js";
import { decodeResults } from "../../../../services/shared/codec/result-codec.js";
import type { DecodedResults } from "../../../../services/shared/codec/result-codec.js";
import { bytesField, concat, eachField, fieldsOf, varintField } from "./wire-bytes.js";
import type { WireField } from "./wire-bytes.js";

export interface RecordValues {
  readonly ID: bigint;
  readonly Data: bigint;
  readonly Meta: string;
}

export interface ResultValues extends RecordValues {
  readonly dTimeStampUs: bigint;
  readonly RData: bigint;
  readonly processTimeUs: bigint;
}

/** What the codec made of a message. */
export interface Decoded<Values> {
  readonly rows: readonly Values[];
  /** Bytes of each valid entry. */
  readonly entries: readonly Uint8Array[];
  readonly indexes: readonly number[];
  readonly invalid: readonly { readonly index: number; readonly bytes: Uint8Array; readonly error: string }[];
}

/** One of the two kinds of entry, and how its values are had. */
export interface Kind<Values> {
  readonly name: string;
  decode(payload: Uint8Array, isFrame: boolean): Decoded<Values>;
  /** @returns undefined when the entry must be refused */
  expected(bytes: Uint8Array): Values | undefined;
  /** What protobuf-es by itself makes of the entry. @throws Error when it refuses */
  plain(bytes: Uint8Array): Values;
  /** True if a field of the schema is there with another wire type, up to where the bytes break. */
  hasOtherWireType(bytes: Uint8Array): boolean;
}

export const recordKind: Kind<RecordValues> = {
  name: "record",
  decode: (payload, isFrame) => {
    const decoded = decodeRecords(payload, isFrame);
    return { ...entriesOf(decoded), rows: recordRows(decoded) };
  },
  expected: (bytes) => strictly(bytes, RECORD_WIRE_TYPES, plainRecord),
  plain: plainRecord,
  hasOtherWireType: (bytes) => hasOtherWireType(bytes, RECORD_WIRE_TYPES),
};

export const resultKind: Kind<ResultValues> = {
  name: "result",
  decode: (payload, isFrame) => {
    const decoded = decodeResults(payload, isFrame);
    return { ...entriesOf(decoded), rows: resultRows(decoded) };
  },
  expected: (bytes) => strictly(bytes, RESULT_WIRE_TYPES, plainResult),
  plain: plainResult,
  hasOtherWireType: (bytes) => hasOtherWireType(bytes, RESULT_WIRE_TYPES),
};

/** What a whole message must decode to; undefined when it must be refused. */
export function expectedOf<Values>(
  kind: Kind<Values>,
  payload: Uint8Array,
  isFrame: boolean,
): Decoded<Values> | undefined {
  if (!isFrame) {
    const values = kind.expected(payload);
    return values && { rows: [values], entries: [payload], indexes: [0], invalid: [] };
  }
  const parts = partsOf(payload);
  if (parts === undefined) return undefined;
  const all = parts.map((bytes, index) => ({ bytes, index, values: kind.expected(bytes) }));
  const valid = all.flatMap(({ values, ...part }) => (values === undefined ? [] : [{ ...part, values }]));
  return {
    rows: valid.map(({ values }) => values),
    entries: valid.map(({ bytes }) => bytes.slice()),
    indexes: valid.map(({ index }) => index),
    invalid: all
      .filter(({ values }) => values === undefined)
      .map(({ index, bytes }) => ({ index, bytes: bytes.slice(), error: "" })),
  };
}

/** The entries of a frame; undefined when its framing is broken. */
function partsOf(frame: Uint8Array): Uint8Array[] | undefined {
  try {
    return fieldsOf(frame)
      .filter(({ fieldNumber, wireType }) => fieldNumber === 1 && wireType === 2)
      .map(({ bytes }) => bytes);
  } catch {
    return undefined;
  }
}

function plainRecord(bytes: Uint8Array): RecordValues {
  const { ID, Data, Meta } = fromBinary(MyDataSchema, bytes);
  return { ID, Data, Meta };
}

function plainResult(bytes: Uint8Array): ResultValues {
  const { ID, Data, Meta, DTimeStamp, RData, ProcessTime } = fromBinary(MyResultSchema, bytes);
  const dTimeStampUs = microsecondsOf(DTimeStamp);
  const processTimeUs = microsecondsOf(ProcessTime);
  return { ID, Data, Meta, dTimeStampUs, RData, processTimeUs };
}

export function recordRows(decoded: DecodedRecords): RecordValues[] {
  return Array.from({ length: decoded.count }, (_, row) => ({
    ID: decoded.ids[row] ?? -1n,
    Data: decoded.data[row] ?? -1n,
    Meta: textAt(decoded.meta, row),
  }));
}

export function resultRows(decoded: DecodedResults): ResultValues[] {
  return recordRows(decoded).map((record, row) => ({
    ...record,
    dTimeStampUs: decoded.dTimeStampsUs[row] ?? -1n,
    RData: decoded.rData[row] ?? -1n,
    processTimeUs: decoded.processTimesUs[row] ?? -1n,
  }));
}

/** True for the one error that decoding may throw. */
export function isUndecodable(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === "undecodable" && thrown.action === "park";
}

/** Microseconds since the epoch, rounded down. @throws RangeError outside the years 0001 to 9999 */
export function microsecondsOf(timestamp: Timestamp | undefined): bigint {
  const { seconds, nanos } = timestamp ?? { seconds: 0n, nanos: 0 };
  const isInRange = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n;
  if (!isInRange || nanos < 0 || nanos > 999_999_999) throw new RangeError("timestamp out of range");
  return seconds * 1_000_000n + BigInt(nanos) / 1000n;
}

function entriesOf(decoded: DecodedRecords | DecodedResults): Omit<Decoded<never>, "rows"> {
  const rows = Array.from({ length: decoded.count }, (_, row) => row);
  return {
    entries: rows.map((row) => decoded.payload.slice(decoded.entryStarts[row], decoded.entryEnds[row])),
    indexes: rows.map((row) => decoded.entryIndexes[row] ?? -1),
    invalid: decoded.invalid,
  };
}

type WireTypes = readonly (number | "timestamp" | undefined)[];
const RECORD_WIRE_TYPES: WireTypes = [undefined, 0, 0, 2];
const RESULT_WIRE_TYPES: WireTypes = [undefined, 0, 0, 2, "timestamp", 0, "timestamp"];
const TIMESTAMP_WIRE_TYPES: WireTypes = [undefined, 0, 0];

/** What protobuf-es reads once all that it is looser with is ruled out or left out. */
function strictly<Values extends RecordValues>(
  bytes: Uint8Array,
  wireTypes: WireTypes,
  read: (bytes: Uint8Array) => Values,
): Values | undefined {
  try {
    const known = knownFields(bytes, wireTypes);
    const values = read(rebuilt(known.fields));
    const plain = known.isAll ? unlessTooDeep(() => read(bytes)) : undefined;
    if (plain !== undefined) deepStrictEqual(plain, values, "protobuf-es agrees with the strict reader");
    const texts = known.fields.filter(({ fieldNumber }) => fieldNumber === 3);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(texts.at(-1)?.bytes);
    return { ...values, Meta: text };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "AssertionError") throw thrown;
    return undefined;
  }
}

/** True for the error of protobuf-es about groups nested too deep for it. */
export function isTooDeep(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.includes("maximum recursion depth");
}

/** Undefined when protobuf-es gives up for the depth of groups. */
function unlessTooDeep<Values>(read: () => Values): Values | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isTooDeep(thrown)) return undefined;
    throw thrown;
  }
}

/** The fields that the schema knows with their wire type; `isAll` if none was left out for its wire type. */
function knownFields(bytes: Uint8Array, wireTypes: WireTypes): { fields: WireField[]; isAll: boolean } {
  const fields: WireField[] = [];
  let isAll = true;
  for (const field of fieldsOf(bytes)) {
    const wanted = wireTypes[field.fieldNumber];
    if (wanted === undefined) continue;
    if (field.wireType !== (wanted === "timestamp" ? 2 : wanted)) {
      isAll = false;
    } else if (wanted === "timestamp") {
      const inner = knownFields(field.bytes, TIMESTAMP_WIRE_TYPES);
      isAll &&= inner.isAll;
      fields.push({ ...field, bytes: rebuilt(inner.fields) });
    } else {
      fields.push(field);
    }
  }
  return { fields, isAll };
}

function hasOtherWireType(bytes: Uint8Array, wireTypes: WireTypes): boolean {
  let isFound = false;
  const onHead = (fieldNumber: number, wireType: number): void => {
    const wanted = wireTypes[fieldNumber];
    isFound ||= wanted !== undefined && wireType !== (wanted === "timestamp" ? 2 : wanted);
  };
  try {
    for (const field of eachField(bytes, onHead)) {
      const isTimestamp = wireTypes[field.fieldNumber] === "timestamp";
      isFound ||= isTimestamp && hasOtherWireType(field.bytes, TIMESTAMP_WIRE_TYPES);
    }
  } catch {
    // What lies behind a broken field is not known.
  }
  return isFound;
}

function rebuilt(fields: readonly WireField[]): Uint8Array {
  return concat(
    fields.map(({ fieldNumber, wireType, number, bytes }) =>
      wireType === 0 ? varintField(fieldNumber, number) : bytesField(fieldNumber, bytes),
    ),
  );
}
