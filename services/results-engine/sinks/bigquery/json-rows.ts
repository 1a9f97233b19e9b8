import type { PartReaders } from "./batch.js";
import {
  INT64_MAX_CHARS,
  MAX_ESCAPE,
  TIMESTAMP_CHARS,
  TimestampWriter,
  writeInt64,
  writeText,
} from "./bytes.js";
import type { Int64Reader } from "./bytes.js";
import { COLUMNS, writeColumns } from "./row-columns.js";
import type { ColumnWriter } from "./row-columns.js";
import type { RowFormat, RowFrame } from "./rows.js";

/** How rows stand in the body of an insertAll request. */
export const INSERT_ALL_FRAME: RowFrame = {
  // Good rows go in although others of the request are bad; an unknown column is an error and no silent loss.
  head: Buffer.from('{"skipInvalidRows":true,"ignoreUnknownValues":false,"rows":['),
  between: Buffer.from(","),
  tail: Buffer.from("]}"),
};

const FALSE = Buffer.from("false");
const TRUE = Buffer.from("true");
const ROW_END = Buffer.from("}}");

const ROW_HEAD = Buffer.from('{"insertId":"');
const INSERT_ID_END = Buffer.from('","json":{');
/** What stands before the value of each column: the end of the one before, its name. */
const HEADS = COLUMNS.map(({ name }, index) => {
  const end = index === 0 ? "" : `${quoteOf(index - 1)},`;
  return Buffer.from(`${end}"${name}":${quoteOf(index)}`);
});

/** BigQuery takes numbers exactly as texts only. */
function quoteOf(column: number): string {
  return COLUMNS[column]?.type === "bool" ? "" : '"';
}

/** Bytes of a row without Meta, at most; a little generous. */
const ROW_ROOM = 160 + 5 * INT64_MAX_CHARS + 3 * TIMESTAMP_CHARS + 8;

/** Rows as insertAll takes them: JSON with an insertId each. */
export class JsonRows implements RowFormat, ColumnWriter {
  readonly name = "JSON";
  readonly frame = INSERT_ALL_FRAME;
  readonly extraRowBytes = 0;
  readonly #instants = COLUMNS.map(() => new TimestampWriter());

  room(part: PartReaders, row: number): number {
    const own = part.ownJson.reduce((sum, { room }) => sum + room(row), 0);
    return ROW_ROOM + part.metaBytes(row) * MAX_ESCAPE + own;
  }

  write(
    bytes: Buffer,
    start: number,
    part: PartReaders,
    row: number,
    nowUs: number,
    isLate: boolean,
  ): number {
    // The same on every redelivery of a result, another one when the record was published again.
    let at = writeInt64(bytes, put(bytes, start, ROW_HEAD), part.ids, row);
    bytes[at++] = 0x2d;
    at = put(bytes, writeInt64(bytes, at, part.dTimes, row), INSERT_ID_END);
    at = writeColumns(this, bytes, at, part, row, nowUs, isLate);
    for (const own of part.ownJson) at = own.write(bytes, at, row);
    return put(bytes, at, ROW_END);
  }

  int64(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number {
    return writeInt64(bytes, putHead(bytes, at, column), values, row);
  }

  instant(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number {
    const start = putHead(bytes, at, column);
    return this.#instants[column]?.write(bytes, start, values, row) ?? start;
  }

  now(bytes: Buffer, at: number, column: number, nowUs: number): number {
    const start = putHead(bytes, at, column);
    return this.#instants[column]?.writeMicros(bytes, start, nowUs) ?? start;
  }

  meta(bytes: Buffer, at: number, column: number, part: PartReaders, row: number): number {
    const { meta } = part.columns;
    const start = putHead(bytes, at, column);
    return writeText(bytes, start, meta.bytes, meta.starts[row] ?? 0, meta.ends[row] ?? 0);
  }

  flag(bytes: Buffer, at: number, column: number, value: boolean): number {
    return put(bytes, putHead(bytes, at, column), value ? TRUE : FALSE);
  }
}

const NOTHING = Buffer.alloc(0);

function putHead(bytes: Buffer, at: number, column: number): number {
  return put(bytes, at, HEADS[column] ?? NOTHING);
}

function put(bytes: Buffer, at: number, piece: Buffer): number {
  bytes.set(piece, at);
  return at + piece.length;
}
