/** Records and results as people read them. */
import { textAt } from "./columns.js";
import type { RecordColumns, ResultColumns } from "./columns.js";

/** One record or result; numbers as decimal text, times as RFC 3339 with microseconds. */
export type PlainRow = Readonly<Record<string, string>>;

/** @param firstRow leaves out what stands before it */
export function plainRows(columns: RecordColumns | ResultColumns, firstRow = 0): readonly PlainRow[] {
  return Array.from({ length: Math.max(0, columns.count - firstRow) }, (_, index) => {
    const row = firstRow + index;
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

/** Microseconds since the epoch, which a Date would round to milliseconds. */
function timeText(us: bigint): string {
  const micros = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const whole = new Date(Number((us - micros) / 1_000n)).toISOString();
  return whole.replace(".000Z", `.${String(micros).padStart(6, "0")}Z`);
}
