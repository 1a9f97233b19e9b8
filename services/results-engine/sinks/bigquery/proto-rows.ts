/** Rows as the Storage Write API takes them: protobuf, and the descriptor that says how to read it. */
import { writeVarint32 } from "../../../shared/codec/wire-writer.js";
import type { PartReaders } from "./batch.js";
import type { Int64Reader } from "./bytes.js";
import { COLUMNS, writeColumns } from "./row-columns.js";
import type { ColumnWriter } from "./row-columns.js";
import type { RowFormat, RowFrame } from "./rows.js";
import { VARINT_MAX_BYTES, writeVarint64, writeVarintNumber } from "./varint.js";
import { OWN_COLUMNS } from "../row-schema.js";
import { FIRST_OWN_NUMBER } from "./own-proto.js";
import type { RowColumnType } from "../row-schema.js";

/** google.protobuf.DescriptorProto of a row. */
export interface RowDescriptor {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly number: number;
    readonly type: "TYPE_INT64" | "TYPE_STRING" | "TYPE_BOOL" | "TYPE_DOUBLE";
    readonly label: "LABEL_REQUIRED" | "LABEL_OPTIONAL";
  }[];
}

/** BigQuery reads an int64 in a TIMESTAMP as microseconds since the epoch. */
const TYPES: Readonly<Record<RowColumnType, RowDescriptor["field"][number]["type"]>> = {
  int64: "TYPE_INT64",
  string: "TYPE_STRING",
  timestamp: "TYPE_INT64",
  bool: "TYPE_BOOL",
  float64: "TYPE_DOUBLE",
};

/** What a row carries beside its columns when it replaces the one of its key. */
const CHANGE_TYPE = "_CHANGE_TYPE";
const CHANGE_SEQUENCE_NUMBER = "_CHANGE_SEQUENCE_NUMBER";

/** Says how rows are read: each column by its place in the row, from 1. */
export function rowDescriptor(upserts: boolean): RowDescriptor {
  const columns = COLUMNS.map(({ name, type }) => ({ name, type: TYPES[type] }));
  const change = [CHANGE_TYPE, CHANGE_SEQUENCE_NUMBER].map((name) => ({ name, type: TYPES.string }));
  const fields = (upserts ? [...columns, ...change] : columns).map((field, index) => {
    return { ...field, number: index + 1, label: "LABEL_REQUIRED" as const };
  });
  const own = OWN_COLUMNS.map(({ name, type }, index) => {
    return { name, type: TYPES[type], number: FIRST_OWN_NUMBER + index, label: "LABEL_OPTIONAL" as const };
  });
  return { name: "Row", field: [...fields, ...own] };
}

/** Rows of a request one behind the other; what frames each of them is the client's. */
export const PROTO_FRAME: RowFrame = {
  head: Buffer.alloc(0),
  between: Buffer.alloc(0),
  tail: Buffer.alloc(0),
};

const VARINT = 0;
const BYTES = 2;
const tagAt = (place: number, wireType: number): number => ((place + 1) << 3) | wireType;
/** One byte each. */
const TAGS = Uint8Array.from(COLUMNS, ({ type }, place) => tagAt(place, type === "string" ? BYTES : VARINT));
const UPSERT = Buffer.concat([Buffer.from([tagAt(COLUMNS.length, BYTES), 6]), Buffer.from("UPSERT")]);
const SEQUENCE = tagAt(COLUMNS.length + 1, BYTES);

const HEX = Buffer.from("0123456789abcdef", "latin1");
const SECTION_CHARS = 16;
const SEQUENCE_CHARS = 2 * SECTION_CHARS + 1;
const SLASH = 0x2f;

/** From the year 1 to 1970 in microseconds: with it added, no instant that a table takes is negative. */
const YEAR_1_TO_1970_US = 62_135_596_800_000_000n;
const OFFSET_LOW = Number(YEAR_1_TO_1970_US & 0xffffffffn);
const OFFSET_HIGH = Number(YEAR_1_TO_1970_US >> 32n);

/** Bytes of a row without Meta, at most. */
const ROW_ROOM = 8 + 8 * VARINT_MAX_BYTES + UPSERT.length + 2 + SEQUENCE_CHARS;

/** A text this long is copied byte by byte; a longer one is quicker in one piece. */
const SHORT_TEXT_BYTES = 48;

/**
 * Every field is written, zero and empty ones too: BigQuery reads rows as proto2, where an absent
 * field is NULL.
 *
 * With `upserts` each row replaces the one of its ID unless that one is newer: the sequence number is
 * ProcessTime, then RTimeStamp, so that the winner is the one of the view, in whatever order rows arrive.
 */
export class ProtoRows implements RowFormat, ColumnWriter {
  readonly name = "protobuf";
  readonly frame = PROTO_FRAME;
  /** A tag and a length. */
  readonly extraRowBytes = 6;
  readonly #upserts: boolean;
  /** RTimeStamp of the rows that are written now, as section of a sequence number. */
  readonly #rTimeSection = Buffer.alloc(SECTION_CHARS);
  #rTimeUs = NaN;

  constructor(upserts: boolean) {
    this.#upserts = upserts;
  }

  room(part: PartReaders, row: number): number {
    const own = part.ownProto.reduce((sum, { room }) => sum + room(row), 0);
    return ROW_ROOM + part.metaBytes(row) + own;
  }

  write(
    bytes: Buffer,
    start: number,
    part: PartReaders,
    row: number,
    nowUs: number,
    isLate: boolean,
  ): number {
    let at = writeColumns(this, bytes, start, part, row, nowUs, isLate);
    if (this.#upserts) at = this.#writeChange(bytes, at, part.processTimes, row, nowUs);
    for (const own of part.ownProto) at = own.write(bytes, at, row);
    return at;
  }

  int64(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number {
    bytes[at] = TAGS[column] ?? 0;
    return writeVarint64(bytes, at + 1, values, row);
  }

  instant(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number {
    return this.int64(bytes, at, column, values, row);
  }

  now(bytes: Buffer, at: number, column: number, nowUs: number): number {
    bytes[at] = TAGS[column] ?? 0;
    return writeVarintNumber(bytes, at + 1, nowUs);
  }

  meta(bytes: Buffer, start: number, column: number, part: PartReaders, row: number): number {
    const { meta } = part.columns;
    const from = meta.starts[row] ?? 0;
    const to = meta.ends[row] ?? 0;
    bytes[start] = TAGS[column] ?? 0;
    let at = writeVarint32(bytes, start + 1, to - from);
    if (to - from > SHORT_TEXT_BYTES) {
      bytes.set(meta.bytes.subarray(from, to), at);
      return at + to - from;
    }
    for (let index = from; index < to; index++) bytes[at++] = meta.bytes[index] ?? 0;
    return at;
  }

  flag(bytes: Buffer, at: number, column: number, value: boolean): number {
    bytes[at] = TAGS[column] ?? 0;
    bytes[at + 1] = value ? 1 : 0;
    return at + 2;
  }

  #writeChange(bytes: Buffer, start: number, processTimes: Int64Reader, row: number, nowUs: number): number {
    bytes.set(UPSERT, start);
    let at = start + UPSERT.length;
    bytes[at++] = SEQUENCE;
    bytes[at++] = SEQUENCE_CHARS;
    const low = (processTimes.lowAt(row) >>> 0) + OFFSET_LOW;
    const carry = low > 0xffffffff ? 1 : 0;
    at = writeHex(bytes, at, (processTimes.highAt(row) + OFFSET_HIGH + carry) | 0, low | 0);
    bytes[at++] = SLASH;
    if (nowUs !== this.#rTimeUs) {
      this.#rTimeUs = nowUs;
      this.#rTimeSection.write(nowUs.toString(16).padStart(SECTION_CHARS, "0"), "latin1");
    }
    bytes.set(this.#rTimeSection, at);
    return at + SECTION_CHARS;
  }
}

/** 64 bits as 16 hexadecimal digits. */
function writeHex(bytes: Buffer, start: number, high: number, low: number): number {
  for (let digit = 0; digit < 8; digit++) {
    const shift = 28 - 4 * digit;
    bytes[start + digit] = HEX[(high >>> shift) & 15] ?? 0;
    bytes[start + 8 + digit] = HEX[(low >>> shift) & 15] ?? 0;
  }
  return start + SECTION_CHARS;
}
