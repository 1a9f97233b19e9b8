/** The columns of a row in their order, and where each value comes from: said here once for every format. */
import type { PartReaders } from "./batch.js";
import type { Int64Reader } from "./bytes.js";
import { RESULT_COLUMNS, SINK_COLUMNS } from "../row-schema.js";
import type { RowColumn } from "../row-schema.js";

/** What each row has, in the order in which {@link writeColumns} writes it. */
export const COLUMNS: readonly RowColumn[] = [...RESULT_COLUMNS, ...SINK_COLUMNS];

/**
 * Writes one value of a row. Every method takes the place to write at and the index of the column in
 * {@link COLUMNS}, and returns the place after the value.
 */
export interface ColumnWriter {
  int64(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number;
  /** Microseconds since the epoch. */
  instant(bytes: Buffer, at: number, column: number, values: Int64Reader, row: number): number;
  /** The same, of every row that is written now. */
  now(bytes: Buffer, at: number, column: number, nowUs: number): number;
  meta(bytes: Buffer, at: number, column: number, part: PartReaders, row: number): number;
  flag(bytes: Buffer, at: number, column: number, value: boolean): number;
}

/** Writes the columns of a row; the caller has made room. @returns the place after it */
export function writeColumns(
  writer: ColumnWriter,
  bytes: Buffer,
  start: number,
  part: PartReaders,
  row: number,
  nowUs: number,
  isLate: boolean,
): number {
  let at = writer.int64(bytes, start, 0, part.ids, row);
  at = writer.int64(bytes, at, 1, part.data, row);
  at = writer.meta(bytes, at, 2, part, row);
  at = writer.instant(bytes, at, 3, part.dTimes, row);
  at = writer.int64(bytes, at, 4, part.rData, row);
  at = writer.instant(bytes, at, 5, part.processTimes, row);
  at = writer.now(bytes, at, 6, nowUs);
  return writer.flag(bytes, at, 7, isLate);
}
