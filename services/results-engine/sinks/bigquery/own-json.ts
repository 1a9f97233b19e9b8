/** The columns of a user's own fields as JSON, behind those that every row has. */
import { INT64_MAX_CHARS, Int64Reader, MAX_ESCAPE, TIMESTAMP_CHARS } from "./bytes.js";
import { TimestampWriter, writeInt64, writeText } from "./bytes.js";
import type { OwnColumn, TextColumn } from "../../../shared/codec/columns.js";
import { OWN_COLUMNS } from "../row-schema.js";
import type { RowColumn } from "../row-schema.js";

/** The longest number, e.g. -2.2250738585072014e-308, or instant, with its quotes. */
const MAX_VALUE_CHARS = 2 + Math.max(INT64_MAX_CHARS, TIMESTAMP_CHARS, 24);
const QUOTE = 0x22;

/** One column of a part, ready to be written. */
export interface OwnValue {
  /** Bytes of a row's value, at most, with what stands before it. */
  readonly room: (row: number) => number;
  /** Writes it with its name or tag; the caller has made room. @returns the place after it */
  readonly write: (bytes: Buffer, at: number, row: number) => number;
}

/** @param own columns of one part, in the order of `schema` */
export function ownJson(
  own: readonly OwnColumn[],
  schema: readonly RowColumn[] = OWN_COLUMNS,
): readonly OwnValue[] {
  return own.flatMap((column, index) => {
    const { name, type } = schema[index] ?? {};
    if (name === undefined) return [];
    const head = Buffer.from(`,${JSON.stringify(name)}:`);
    const { room, write } = valueOf(column, type === "timestamp");
    return {
      room: (row) => head.length + room(row),
      write: (bytes, at, row) => write(bytes, at + head.copy(bytes, at), row),
    };
  });
}

function valueOf(column: OwnColumn, isTimestamp: boolean): OwnValue {
  const room = (): number => MAX_VALUE_CHARS;
  if (column instanceof BigInt64Array) {
    const reader = new Int64Reader(column);
    const instants = new TimestampWriter();
    const write = isTimestamp
      ? (bytes: Buffer, at: number, row: number) => instants.write(bytes, at, reader, row)
      : (bytes: Buffer, at: number, row: number) => writeInt64(bytes, at, reader, row);
    return { room, write: quoted(write) };
  }
  if (column instanceof Float64Array) {
    return { room, write: (bytes, at, row) => at + bytes.write(numberText(column[row] ?? 0), at, "latin1") };
  }
  if (column instanceof Uint8Array) {
    return { room, write: (bytes, at, row) => at + bytes.write(column[row] === 0 ? "false" : "true", at) };
  }
  return textOf(column);
}

function textOf({ bytes: texts, starts, ends }: TextColumn): OwnValue {
  return {
    room: (row) => 2 + ((ends[row] ?? 0) - (starts[row] ?? 0)) * MAX_ESCAPE,
    write: quoted((bytes, at, row) => writeText(bytes, at, texts, starts[row] ?? 0, ends[row] ?? 0)),
  };
}

function quoted(write: OwnValue["write"]): OwnValue["write"] {
  return (bytes, at, row) => {
    bytes[at] = QUOTE;
    const end = write(bytes, at + 1, row);
    bytes[end] = QUOTE;
    return end + 1;
  };
}

/** BigQuery takes these as texts, and the others as numbers of JSON. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  return JSON.stringify(Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}
