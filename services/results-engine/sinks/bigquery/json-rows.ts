import type { PartReaders } from "./batch.js";
import {
  INT64_MAX_CHARS,
  MAX_ESCAPE,
  TIMESTAMP_CHARS,
  TimestampWriter,
  writeInt64,
  writeText,
} from "./bytes.js";
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

// The columns of row-schema; a test holds the two together.
const ROW_HEAD = Buffer.from('{"insertId":"');
const TO_ID = Buffer.from('","json":{"ID":"');
const TO_DATA = Buffer.from('","Data":"');
const TO_META = Buffer.from('","Meta":"');
const TO_D_TIME = Buffer.from('","DTimeStamp":"');
const TO_R_DATA = Buffer.from('","RData":"');
const TO_PROCESS_TIME = Buffer.from('","ProcessTime":"');
const TO_R_TIME = Buffer.from('","RTimeStamp":"');
const TO_LATE = Buffer.from('","Late":');

/** Bytes of a row without Meta, at most; a little generous. */
const ROW_ROOM = 160 + 5 * INT64_MAX_CHARS + 3 * TIMESTAMP_CHARS + 8;

/** Rows as insertAll takes them: JSON with an insertId each. */
export class JsonRows implements RowFormat {
  readonly name = "JSON";
  readonly frame = INSERT_ALL_FRAME;
  readonly extraRowBytes = 0;
  readonly #dTime = new TimestampWriter();
  readonly #processTime = new TimestampWriter();
  readonly #rTime = new TimestampWriter();

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
    const { meta } = part.columns;
    // The same on every redelivery of a result, another one when the record was published again.
    let at = put(bytes, start, ROW_HEAD);
    const idStart = at;
    at = writeInt64(bytes, at, part.ids, row);
    const idEnd = at;
    bytes[at++] = 0x2d;
    at = writeInt64(bytes, at, part.dTimes, row);
    at = put(bytes, at, TO_ID);
    for (let index = idStart; index < idEnd; index++) bytes[at++] = bytes[index] ?? 0;
    at = writeInt64(bytes, put(bytes, at, TO_DATA), part.data, row);
    at = put(bytes, at, TO_META);
    at = writeText(bytes, at, meta.bytes, meta.starts[row] ?? 0, meta.ends[row] ?? 0);
    at = this.#dTime.write(bytes, put(bytes, at, TO_D_TIME), part.dTimes, row);
    at = writeInt64(bytes, put(bytes, at, TO_R_DATA), part.rData, row);
    at = this.#processTime.write(bytes, put(bytes, at, TO_PROCESS_TIME), part.processTimes, row);
    at = this.#rTime.writeMicros(bytes, put(bytes, at, TO_R_TIME), nowUs);
    at = put(bytes, put(bytes, at, TO_LATE), isLate ? TRUE : FALSE);
    for (const own of part.ownJson) at = own.write(bytes, at, row);
    return put(bytes, at, ROW_END);
  }
}

function put(bytes: Buffer, at: number, piece: Buffer): number {
  bytes.set(piece, at);
  return at + piece.length;
}
