/**
 * Records and results as columns: what travels inside a process, so that nothing is allocated per
 * record between the wire and the cruncher or the warehouse.
 */

/** A column of UTF-8 texts that lie inside `bytes`; text `i` is `bytes[starts[i], ends[i])`. */
export interface TextColumn {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Many records. Every column has at least `count` entries; those beyond are garbage. */
export interface RecordColumns {
  readonly count: number;
  readonly ids: BigInt64Array;
  readonly data: BigInt64Array;
  readonly meta: TextColumn;
}

/** A column of a user's own field: int64 or timestamp, bool (0 and 1), float64, text. */
export type OwnColumn = BigInt64Array | Uint8Array | Float64Array | TextColumn;

/** Many results. Every column has at least `count` entries; those beyond are garbage. */
export interface ResultColumns extends RecordColumns {
  /** DTimeStamp in microseconds since the epoch, rounded down. */
  readonly dTimeStampsUs: BigInt64Array;
  readonly rData: BigInt64Array;
  /** ProcessTime in microseconds since the epoch, rounded down. */
  readonly processTimesUs: BigInt64Array;
  /** One column for each of the fields that a user added to MyResult, in the order of the proto. */
  readonly own: readonly OwnColumn[];
}

/** One entry of a message that is no valid record or result: to be parked alone. */
export interface InvalidEntry {
  /** Place in the message, counted from 0 over valid and invalid entries. */
  readonly index: number;
  /** The entry's own bytes, a protobuf MyData or MyResult: a view into the message. */
  readonly bytes: Uint8Array;
  readonly error: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text `index` of a column. */
export function textAt(column: TextColumn, index: number): string {
  const start = column.starts[index] ?? 0;
  const end = column.ends[index] ?? 0;
  return utf8.decode(column.bytes.subarray(start, end));
}
