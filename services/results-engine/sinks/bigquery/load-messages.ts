/** The messages of a batch: what a later delivery brings again, whole and in whatever company. */
import { createHash } from "node:crypto";
import type { OwnColumn, ResultColumns } from "../../../shared/codec/columns.js";
import type { Batch } from "../sink.js";

export interface MessageRows {
  /** The same on every delivery of the message, and of no other. */
  readonly key: string;
  /** Its rows, and nothing else. */
  readonly columns: ResultColumns;
  /** Where each of them is in the batch. */
  readonly part: number;
  readonly places: readonly number[];
  /**
   * DTimeStamp of its first row, in microseconds: shared by the answers to one data message. Undefined for
   * singles, whose data have one answer only.
   */
  readonly instant: string | undefined;
}

export function messagesOf({ parts }: Batch): MessageRows[] {
  return parts.flatMap((columns, part): MessageRows[] => {
    const rows = Array.from({ length: columns.count }, (_, row) => row);
    if (columns.isOfSingles !== true) {
      const instant = String(columns.dTimeStampsUs[0]);
      return [{ key: keyOf(columns), columns, part, places: rows, instant }];
    }
    return rows.map((row) => {
      const single = pick(columns, [row]);
      return { key: keyOf(single), columns: single, part, places: [row], instant: undefined };
    });
  });
}

/** Some rows of a message as a message of their own. */
export function someOf(
  { columns, part, places, instant }: MessageRows,
  rows: readonly number[],
): MessageRows {
  const picked = pick(columns, rows);
  return { key: keyOf(picked), columns: picked, part, places: rows.map((row) => places[row] ?? 0), instant };
}

/** What each row is known by. */
export function identitiesOf({ ids, dTimeStampsUs, count }: ResultColumns): string[] {
  return namesOf(ids, dTimeStampsUs, count);
}

function namesOf(ids: BigInt64Array, dTimeStampsUs: BigInt64Array, count: number): string[] {
  return Array.from({ length: count }, (_, row) => `${String(ids[row])} ${String(dTimeStampsUs[row])}`);
}

/** The same of all rows, as a file holds it: the IDs, then the DTimeStamps. */
export function identityBytes({ ids, dTimeStampsUs, count }: ResultColumns): readonly Uint8Array[] {
  return [ids, dTimeStampsUs].map(
    ({ buffer, byteOffset, BYTES_PER_ELEMENT }) =>
      new Uint8Array(buffer, byteOffset, count * BYTES_PER_ELEMENT),
  );
}

/** Reads {@link identityBytes} of so many rows, behind those of `before` others. */
export function identitiesIn(bytes: Buffer, before: number, count: number): string[] {
  const int64s = (from: number): BigInt64Array => {
    const start = bytes.byteOffset + from * BigInt64Array.BYTES_PER_ELEMENT;
    return new BigInt64Array(bytes.buffer.slice(start, start + count * BigInt64Array.BYTES_PER_ELEMENT));
  };
  return namesOf(int64s(2 * before), int64s(2 * before + count), count);
}

/** A single is known by its ID and DTimeStamp as they are, which is less to remember than a hash. */
function keyOf(columns: ResultColumns): string {
  const identity = identityBytes(columns);
  if (columns.count === 1) return Buffer.concat(identity).toString("base64url");
  const hash = createHash("sha256");
  for (const bytes of identity) hash.update(bytes);
  return hash.digest("base64url");
}

function pick(columns: ResultColumns, rows: readonly number[]): ResultColumns {
  const { ids, data, meta, dTimeStampsUs, rData, processTimesUs, own } = columns;
  const int64s = (column: BigInt64Array): BigInt64Array =>
    BigInt64Array.from(rows, (row) => column[row] ?? 0n);
  const texts = ({ bytes, starts, ends }: typeof meta): typeof meta => {
    const places = (column: Uint32Array): Uint32Array => Uint32Array.from(rows, (row) => column[row] ?? 0);
    return { bytes, starts: places(starts), ends: places(ends) };
  };
  const ownColumn = (column: OwnColumn): OwnColumn => {
    if (column instanceof BigInt64Array) return int64s(column);
    if (column instanceof Float64Array) return Float64Array.from(rows, (row) => column[row] ?? 0);
    if (column instanceof Uint8Array) return Uint8Array.from(rows, (row) => column[row] ?? 0);
    return texts(column);
  };
  return {
    count: rows.length,
    ids: int64s(ids),
    data: int64s(data),
    meta: texts(meta),
    dTimeStampsUs: int64s(dTimeStampsUs),
    rData: int64s(rData),
    processTimesUs: int64s(processTimesUs),
    own: own.map(ownColumn),
  };
}
