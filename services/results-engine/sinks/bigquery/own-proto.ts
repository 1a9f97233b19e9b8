/** The columns of a user's own fields as protobuf, with numbers behind those that every row has. */
import { Int64Reader } from "./bytes.js";
import type { OwnValue } from "./own-json.js";
import { VARINT_MAX_BYTES, writeVarint64 } from "./varint.js";
import type { OwnColumn, TextColumn } from "../../../shared/codec/columns.js";
import { writeVarint32 } from "../../../shared/codec/wire-writer.js";
import { RESULT_COLUMNS, SINK_COLUMNS } from "../row-schema.js";

/** Behind the columns that every table has, and the two that an upsert carries. */
export const FIRST_OWN_NUMBER = RESULT_COLUMNS.length + SINK_COLUMNS.length + 3;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** @param own columns of one part, in the order of the proto */
export function ownProto(own: readonly OwnColumn[]): readonly OwnValue[] {
  return own.map((column, index) => {
    const { wireType, room, write } = valueOf(column);
    const tag = Buffer.alloc(VARINT_MAX_BYTES);
    const tagBytes = writeVarint32(tag, 0, ((FIRST_OWN_NUMBER + index) << 3) | wireType);
    return {
      room: (row) => tagBytes + room(row),
      write: (bytes, at, row) => write(bytes, at + tag.copy(bytes, at, 0, tagBytes), row),
    };
  });
}

function valueOf(column: OwnColumn): OwnValue & { readonly wireType: number } {
  if (column instanceof BigInt64Array) {
    const reader = new Int64Reader(column);
    const write: OwnValue["write"] = (bytes, at, row) => writeVarint64(bytes, at, reader, row);
    return { wireType: VARINT, room: () => VARINT_MAX_BYTES, write };
  }
  if (column instanceof Float64Array) {
    const write: OwnValue["write"] = (bytes, at, row) => bytes.writeDoubleLE(column[row] ?? 0, at);
    return { wireType: FIXED64, room: () => 8, write };
  }
  if (column instanceof Uint8Array) {
    const write: OwnValue["write"] = (bytes, at, row) => bytes.writeUInt8(column[row] ?? 0, at);
    return { wireType: VARINT, room: () => 1, write };
  }
  return textOf(column);
}

function textOf({ bytes: texts, starts, ends }: TextColumn): OwnValue & { readonly wireType: number } {
  return {
    wireType: BYTES,
    room: (row) => VARINT_MAX_BYTES + (ends[row] ?? 0) - (starts[row] ?? 0),
    write: (bytes, at, row) => {
      const text = texts.subarray(starts[row], ends[row]);
      const start = writeVarint32(bytes, at, text.length);
      bytes.set(text, start);
      return start + text.length;
    },
  };
}
