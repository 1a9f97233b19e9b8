/** The bytes of an entry as records or results, where they are some. */
import { textAt } from "../shared/codec/columns.js";
import type { RecordColumns, ResultColumns } from "../shared/codec/columns.js";
import { decodeRecords } from "../shared/codec/record-codec.js";
import { decodeResults } from "../shared/codec/result-codec.js";
import { EngineError } from "../shared/errors.js";
import type { ParkedEntry } from "../shared/parked-store.js";

/** One record or result; numbers as decimal text, times as RFC 3339. */
export type ParkedRow = Readonly<Record<string, string>>;

/** The IDs in an entry; none if it is no record. */
export function idsOf(entry: ParkedEntry): readonly bigint[] {
  const columns = columnsOf(entry);
  return columns === undefined ? [] : [...columns.ids.subarray(0, columns.count)];
}

/** The records or results in an entry; undefined if its bytes are none. */
export function rowsOf(entry: ParkedEntry): readonly ParkedRow[] | undefined {
  const columns = columnsOf(entry);
  if (columns === undefined || columns.count === 0) return undefined;
  return Array.from({ length: columns.count }, (_, row) => {
    const record = {
      ID: String(columns.ids[row]),
      Data: String(columns.data[row]),
      Meta: textAt(columns.meta, row),
    };
    if (!("rData" in columns)) return record;
    return {
      ...record,
      DTimeStamp: timeText(columns.dTimeStampsUs[row] ?? 0n),
      RData: String(columns.rData[row]),
      ProcessTime: timeText(columns.processTimesUs[row] ?? 0n),
    };
  });
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

/** Microseconds since the epoch, which a Date would round to milliseconds. */
function timeText(us: bigint): string {
  const micros = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const whole = new Date(Number((us - micros) / 1_000n)).toISOString();
  return whole.replace(".000Z", `.${String(micros).padStart(6, "0")}Z`);
}
