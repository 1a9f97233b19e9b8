/** The messages of a batch: what a later delivery brings again, whole and in whatever company. */
import { createHash } from "node:crypto";
import type { OwnColumn, ResultColumns, TextColumn } from "../../../shared/codec/columns.js";
import type { Batch } from "../sink.js";

export interface MessageRows {
  /** The same on every delivery of the message, and of no other. */
  readonly key: string;
  /** Its rows, and nothing else. */
  readonly columns: ResultColumns;
  /** Where they are in the batch. */
  readonly part: number;
  readonly firstRow: number;
}

export function messagesOf({ parts }: Batch): MessageRows[] {
  return parts.flatMap((columns, part): MessageRows[] => {
    if (columns.isOfSingles !== true) return [{ key: keyOf(columns), columns, part, firstRow: 0 }];
    return Array.from({ length: columns.count }, (_, firstRow) => {
      const single = rowOf(columns, firstRow);
      return { key: keyOf(single), columns: single, part, firstRow };
    });
  });
}

/** A single is known by its ID and DTimeStamp as they are, which is less to remember than a hash. */
function keyOf({ ids, dTimeStampsUs, count }: ResultColumns): string {
  const identity = [ids, dTimeStampsUs].map(
    ({ buffer, byteOffset, BYTES_PER_ELEMENT }) =>
      new Uint8Array(buffer, byteOffset, count * BYTES_PER_ELEMENT),
  );
  if (count === 1) return Buffer.concat(identity).toString("base64url");
  const hash = createHash("sha256");
  for (const bytes of identity) hash.update(bytes);
  return hash.digest("base64url");
}

function rowOf(columns: ResultColumns, row: number): ResultColumns {
  const one = <Column extends OwnColumn>(column: Column): Column => cut(column, row) as Column;
  return {
    count: 1,
    ids: one(columns.ids),
    data: one(columns.data),
    meta: one(columns.meta),
    dTimeStampsUs: one(columns.dTimeStampsUs),
    rData: one(columns.rData),
    processTimesUs: one(columns.processTimesUs),
    own: columns.own.map(one),
  };
}

function cut(column: OwnColumn, row: number): OwnColumn {
  if (ArrayBuffer.isView(column)) return column.subarray(row, row + 1);
  const { bytes, starts, ends }: TextColumn = column;
  return { bytes, starts: starts.subarray(row, row + 1), ends: ends.subarray(row, row + 1) };
}
