/** The bytes of an entry as records or results, where they are some. */
import type { RecordColumns, ResultColumns } from "../shared/codec/columns.js";
import { plainRows } from "../shared/codec/plain-rows.js";
import type { PlainRow } from "../shared/codec/plain-rows.js";
import { decodeRecords } from "../shared/codec/record-codec.js";
import { decodeResults } from "../shared/codec/result-codec.js";
import { EngineError } from "../shared/errors.js";
import type { ParkedEntry } from "../shared/parked-store.js";

/** The IDs in an entry; none if it is no record. */
export function idsOf(entry: ParkedEntry): readonly bigint[] {
  const columns = columnsOf(entry);
  return columns === undefined ? [] : [...columns.ids.subarray(0, columns.count)];
}

/** The records or results in an entry; undefined if its bytes are none. */
export function rowsOf(entry: ParkedEntry): readonly PlainRow[] | undefined {
  const columns = columnsOf(entry);
  return columns === undefined || columns.count === 0 ? undefined : plainRows(columns);
}

function columnsOf({ subject, payload, isWhole }: ParkedEntry): RecordColumns | ResultColumns | undefined {
  if (subject === undefined || !isWhole) return undefined;
  const isFrame = subject.endsWith(".frame");
  try {
    return subject.startsWith("data") ? decodeRecords(payload, isFrame) : decodeResults(payload, isFrame);
  } catch (thrown) {
    if (thrown instanceof EngineError) return undefined;
    throw thrown;
  }
}
