import { BatchRows } from "./batch.js";
import type { PartReaders } from "./batch.js";
import type { Int64Reader } from "./bytes.js";
import {
  INT64_MAX_CHARS,
  MAX_ESCAPE,
  TIMESTAMP_CHARS,
  TimestampWriter,
  writeInt64,
  writeText,
} from "./bytes.js";
import type { Batch } from "../sink.js";

/** Rows encoded as one insertAll body. Sent again, it is sent byte for byte. */
export interface RowRequest {
  readonly body: Buffer;
  readonly count: number;
  /** Row `i` of the request is `body[starts[i], ends[i])`, `Late` is in `late[i]`. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Where row `i` of the request is in the batch. */
  readonly parts: Uint32Array;
  readonly rows: Uint32Array;
  readonly late: Uint8Array;
}

export interface RequestLimits {
  readonly maxRows: number;
  /** Of the body; a row that is larger alone is rejected. BigQuery takes 10 MB. */
  readonly maxBytes: number;
}

// Good rows go in although others of the request are bad; an unknown column is an error and no silent loss.
const HEAD = Buffer.from('{"skipInvalidRows":true,"ignoreUnknownValues":false,"rows":[');
const TAIL = Buffer.from("]}");
const COMMA = 0x2c;
const COMMA_PIECE = Buffer.from(",");
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

/** Microseconds of the years that a TIMESTAMP can hold. */
const FIRST_US = -62_135_596_800_000_000n;
const LAST_US = 253_402_300_799_999_999n;

/** Turns batches into request bodies, one body at a time, through one buffer that it keeps. */
export class RowEncoder {
  readonly #limits: RequestLimits;
  readonly #lateAfterUs: number;
  readonly #windowed: boolean;
  readonly #dTime = new TimestampWriter();
  readonly #processTime = new TimestampWriter();
  readonly #rTime = new TimestampWriter();
  #scratch = Buffer.allocUnsafeSlow(512 * 1024);

  /** @param windowed whether the table is partitioned on DTimeStamp, which bounds what it takes */
  constructor(limits: RequestLimits, lateAfterMs: number, windowed: boolean) {
    this.#limits = limits;
    this.#lateAfterUs = lateAfterMs * 1000;
    this.#windowed = windowed;
  }

  /** Starts a batch. Rows that BigQuery would refuse for certain end in `rejected` of the cursor. */
  rows(batch: Batch): BatchRows {
    return new BatchRows(batch);
  }

  /**
   * The next rows of a batch, as many as fit.
   *
   * @param nowMs becomes RTimeStamp of these rows, whenever they arrive in the end
   * @returns undefined when no row is left
   */
  next(rows: BatchRows, nowMs: number): RowRequest | undefined {
    const { maxRows, maxBytes } = this.#limits;
    const starts = new Uint32Array(maxRows);
    const ends = new Uint32Array(maxRows);
    const parts = new Uint32Array(maxRows);
    const places = new Uint32Array(maxRows);
    const late = new Uint8Array(maxRows);
    const window = partitionWindowUs(nowMs);
    let count = 0;
    let at = HEAD.copy(this.#scratch);
    while (count < maxRows) {
      const part = rows.current();
      if (part === undefined) break;
      const reason = this.#refusal(part, rows.row, window);
      if (reason !== undefined) {
        rows.reject(reason);
        continue;
      }
      this.#makeRoom(at, part, rows.row);
      const start = count === 0 ? at : at + 1;
      const isLate = nearUs(part.dTimes, rows.row) < nowMs * 1000 - this.#lateAfterUs;
      const end = this.#writeRow(start, part, rows.row, nowMs * 1000, isLate);
      if (end + TAIL.length > maxBytes) {
        if (count > 0) break;
        rows.reject(tooLarge(end - start, maxBytes));
        continue;
      }
      if (count > 0) this.#scratch[at] = COMMA;
      starts[count] = start;
      ends[count] = end;
      parts[count] = rows.part;
      places[count] = rows.row;
      late[count] = isLate ? 1 : 0;
      at = end;
      count++;
      rows.advance();
    }
    if (count === 0) return undefined;
    TAIL.copy(this.#scratch, at);
    const body = Buffer.from(this.#scratch.subarray(0, at + TAIL.length));
    return { body, count, starts, ends, parts, rows: places, late };
  }

  #refusal(part: PartReaders, row: number, window: { firstUs: number; lastUs: number }): string | undefined {
    const metaBytes = (part.columns.meta.ends[row] ?? 0) - (part.columns.meta.starts[row] ?? 0);
    if (metaBytes > this.#limits.maxBytes) return tooLarge(metaBytes, this.#limits.maxBytes);
    const dTimeUs = part.dTimes.numberAt(row);
    // NaN, an instant before 1828 or after 2112, is outside of every window as well.
    if (this.#windowed && !(dTimeUs >= window.firstUs && dTimeUs <= window.lastUs)) {
      return `DTimeStamp ${instantText(part.dTimes.bigintAt(row))} is outside of what BigQuery takes into a partitioned table, 10 years back to 1 year ahead`;
    }
    if (Number.isNaN(dTimeUs) && !isTimestamp(part.dTimes.bigintAt(row))) {
      return `DTimeStamp ${String(part.dTimes.bigintAt(row))} us is outside of the years 1 to 9999`;
    }
    if (Number.isNaN(part.processTimes.numberAt(row)) && !isTimestamp(part.processTimes.bigintAt(row))) {
      return `ProcessTime ${String(part.processTimes.bigintAt(row))} us is outside of the years 1 to 9999`;
    }
    return undefined;
  }

  #writeRow(start: number, part: PartReaders, row: number, nowUs: number, isLate: boolean): number {
    const bytes = this.#scratch;
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
    for (const own of part.own) at = own.write(bytes, at, row);
    return put(bytes, at, ROW_END);
  }

  #makeRoom(at: number, part: PartReaders, row: number): void {
    const metaBytes = (part.columns.meta.ends[row] ?? 0) - (part.columns.meta.starts[row] ?? 0);
    let needed = at + ROW_ROOM + metaBytes * MAX_ESCAPE + TAIL.length;
    for (const own of part.own) needed += own.room(row);
    if (needed <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(needed < 4e6 ? needed * 2 : needed);
    this.#scratch.copy(larger, 0, 0, at);
    this.#scratch = larger;
  }
}

/** Some rows of a request as a request of their own: the same bytes, so the same rows. */
export function pickRows(request: RowRequest, indexes: readonly number[]): RowRequest {
  const count = indexes.length;
  const picked = {
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    parts: new Uint32Array(count),
    rows: new Uint32Array(count),
    late: new Uint8Array(count),
  };
  const pieces: Buffer[] = [HEAD];
  let at = HEAD.length;
  indexes.forEach((from, to) => {
    const row = request.body.subarray(request.starts[from], request.ends[from]);
    if (to > 0) {
      pieces.push(COMMA_PIECE);
      at++;
    }
    pieces.push(row);
    picked.starts[to] = at;
    at += row.length;
    picked.ends[to] = at;
    picked.parts[to] = request.parts[from] ?? 0;
    picked.rows[to] = request.rows[from] ?? 0;
    picked.late[to] = request.late[from] ?? 0;
  });
  pieces.push(TAIL);
  return { body: Buffer.concat(pieces), count, ...picked };
}

/** What BigQuery takes into a table partitioned on a column: 10 years back, 1 year ahead. */
function partitionWindowUs(nowMs: number): { firstUs: number; lastUs: number } {
  const first = new Date(nowMs);
  first.setUTCFullYear(first.getUTCFullYear() - 10);
  const last = new Date(nowMs);
  last.setUTCFullYear(last.getUTCFullYear() + 1);
  return { firstUs: first.getTime() * 1000, lastUs: last.getTime() * 1000 };
}

function put(bytes: Buffer, at: number, piece: Buffer): number {
  bytes.set(piece, at);
  return at + piece.length;
}

function nearUs(column: Int64Reader, index: number): number {
  const value = column.numberAt(index);
  return Number.isNaN(value) ? Number(column.bigintAt(index)) : value;
}

function isTimestamp(micros: bigint): boolean {
  return micros >= FIRST_US && micros <= LAST_US;
}

function instantText(micros: bigint): string {
  return isTimestamp(micros) ? new Date(Number(micros / 1000n)).toISOString() : `${String(micros)} us`;
}

function tooLarge(rowBytes: number, maxBytes: number): string {
  return `the row has ${String(rowBytes)} bytes as JSON, more than the ${String(maxBytes)} that one request may have`;
}
