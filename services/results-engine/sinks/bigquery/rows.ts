import { BatchRows } from "./batch.js";
import type { PartReaders } from "./batch.js";
import { isLateAt, partitionWindowUs, refusalOf } from "./row-checks.js";
import type { Batch } from "../sink.js";

/** Rows encoded as one request. Sent again, they are sent byte for byte. */
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
  /** Of the request; a row that is larger alone is rejected. BigQuery takes 10 MB. */
  readonly maxBytes: number;
  /** A request that has so many bytes gets no further row; `maxBytes` unless told. */
  readonly enoughBytes?: number;
}

/** What stands around and between the rows of a body. */
export interface RowFrame {
  readonly head: Buffer;
  readonly between: Buffer;
  readonly tail: Buffer;
}

/** How one row is written. */
export interface RowFormat {
  /** For people. */
  readonly name: string;
  readonly frame: RowFrame;
  /** What each row costs beside its own bytes when it is sent, at most. */
  readonly extraRowBytes: number;
  /** Bytes that a row may need, at most. */
  room(part: PartReaders, row: number): number;
  /** Writes a row; the caller has made room. @returns the place after it */
  write(bytes: Buffer, at: number, part: PartReaders, row: number, nowUs: number, isLate: boolean): number;
}

/** Turns batches into requests, one at a time, through one buffer that it keeps. */
export class RowEncoder {
  readonly #limits: RequestLimits;
  readonly #lateAfterUs: number;
  readonly #windowed: boolean;
  readonly #format: RowFormat;
  #scratch = Buffer.allocUnsafeSlow(512 * 1024);

  /** @param windowed whether the table is partitioned on DTimeStamp, which bounds what it takes */
  constructor(limits: RequestLimits, lateAfterMs: number, windowed: boolean, format: RowFormat) {
    this.#limits = limits;
    this.#lateAfterUs = lateAfterMs * 1000;
    this.#windowed = windowed;
    this.#format = format;
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
    const { maxRows, maxBytes, enoughBytes = maxBytes } = this.#limits;
    const { head, between, tail } = this.#format.frame;
    const { extraRowBytes } = this.#format;
    const starts = new Uint32Array(maxRows);
    const ends = new Uint32Array(maxRows);
    const parts = new Uint32Array(maxRows);
    const places = new Uint32Array(maxRows);
    const late = new Uint8Array(maxRows);
    const window = this.#windowed ? partitionWindowUs(nowMs) : undefined;
    let count = 0;
    let at = head.copy(this.#scratch);
    while (count < maxRows && at < enoughBytes) {
      const part = rows.current();
      if (part === undefined) break;
      const reason = refusalOf(part, rows.row, window) ?? this.#tooLargeMeta(part, rows.row);
      if (reason !== undefined) {
        rows.reject(reason);
        continue;
      }
      this.#makeRoom(at, part, rows.row);
      const start = count === 0 ? at : at + between.copy(this.#scratch, at);
      const isLate = isLateAt(part, rows.row, nowMs * 1000 - this.#lateAfterUs);
      const end = this.#format.write(this.#scratch, start, part, rows.row, nowMs * 1000, isLate);
      if (end + tail.length + (count + 1) * extraRowBytes > maxBytes) {
        if (count > 0) break;
        rows.reject(this.#tooLarge(end - start));
        continue;
      }
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
    tail.copy(this.#scratch, at);
    const body = Buffer.from(this.#scratch.subarray(0, at + tail.length));
    return { body, count, starts, ends, parts, rows: places, late };
  }

  #tooLargeMeta(part: PartReaders, row: number): string | undefined {
    const metaBytes = part.metaBytes(row);
    return metaBytes > this.#limits.maxBytes ? this.#tooLarge(metaBytes) : undefined;
  }

  #tooLarge(rowBytes: number): string {
    return `the row has ${String(rowBytes)} bytes as ${this.#format.name}, more than the ${String(this.#limits.maxBytes)} that one request may have`;
  }

  #makeRoom(at: number, part: PartReaders, row: number): void {
    const { between, tail } = this.#format.frame;
    const needed = at + between.length + this.#format.room(part, row) + tail.length;
    if (needed <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(needed < 4e6 ? needed * 2 : needed);
    this.#scratch.copy(larger, 0, 0, at);
    this.#scratch = larger;
  }
}

/** Some rows of a request as a request of their own: the same bytes, so the same rows. */
export function pickRows(request: RowRequest, indexes: readonly number[], frame: RowFrame): RowRequest {
  const { head, between, tail } = frame;
  const count = indexes.length;
  const picked = {
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    parts: new Uint32Array(count),
    rows: new Uint32Array(count),
    late: new Uint8Array(count),
  };
  const pieces: Buffer[] = [head];
  let at = head.length;
  indexes.forEach((from, to) => {
    const row = request.body.subarray(request.starts[from], request.ends[from]);
    if (to > 0) {
      pieces.push(between);
      at += between.length;
    }
    pieces.push(row);
    picked.starts[to] = at;
    at += row.length;
    picked.ends[to] = at;
    picked.parts[to] = request.parts[from] ?? 0;
    picked.rows[to] = request.rows[from] ?? 0;
    picked.late[to] = request.late[from] ?? 0;
  });
  pieces.push(tail);
  return { body: Buffer.concat(pieces), count, ...picked };
}
