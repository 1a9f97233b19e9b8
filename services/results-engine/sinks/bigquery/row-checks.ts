/** What is known of a row before it is sent: whether BigQuery would refuse it for certain, and whether it is late. */
import type { PartReaders } from "./batch.js";
import type { Int64Reader } from "./bytes.js";

/** Microseconds of the years that a TIMESTAMP can hold. */
const FIRST_US = -62_135_596_800_000_000n;
const LAST_US = 253_402_300_799_999_999n;

/** The instants that a table takes, in microseconds since the epoch. */
export interface Window {
  readonly firstUs: number;
  readonly lastUs: number;
}

/** What BigQuery takes into a table partitioned on a column: 10 years back, 1 year ahead. */
export function partitionWindowUs(nowMs: number): Window {
  const first = new Date(nowMs);
  first.setUTCFullYear(first.getUTCFullYear() - 10);
  const last = new Date(nowMs);
  last.setUTCFullYear(last.getUTCFullYear() + 1);
  return { firstUs: first.getTime() * 1000, lastUs: last.getTime() * 1000 };
}

/** Why a row can never be stored; undefined if it may be. */
export function refusalOf(part: PartReaders, row: number, window: Window | undefined): string | undefined {
  const dTimeUs = part.dTimes.numberAt(row);
  // NaN, an instant before 1828 or after 2112, is outside of every window as well.
  if (window !== undefined && !(dTimeUs >= window.firstUs && dTimeUs <= window.lastUs)) {
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

/** @param beforeUs a record stored before this instant is late, in microseconds since the epoch */
export function isLateAt(part: PartReaders, row: number, beforeUs: number): boolean {
  return nearUs(part.dTimes, row) < beforeUs;
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
