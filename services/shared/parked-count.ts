import { statedRecords } from "./codec/entry-count.js";
import type { ParkedCounts } from "./streams-look.js";
import { HEADER } from "./messaging.js";
import { PART } from "./parking.js";

/** Reasons that are told apart: they become labels of a metric, and anybody may publish on `parked.*`. */
const MAX_REASONS = 32;
/** The reason of all beyond those. */
const OTHER_REASONS = "other";

export const NOTHING_PARKED: ParkedCounts = { fromData: 0, fromResults: 0, rows: 0, reasons: {} };

/** What is read of a parked message to count it. */
export interface CountedMessage {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Counts one more parked message by the records in it. */
export function addParked(before: ParkedCounts, { subject, headers }: CountedMessage): ParkedCounts {
  // The other half of a large item stands for it.
  if (headers[HEADER.part] === PART.first) return before;
  const records = statedRecords(headers) ?? 1;
  const reason = reasonFor(before.reasons, headers[HEADER.reason] ?? "unknown");
  const reasons = { ...before.reasons, [reason]: (before.reasons[reason] ?? 0) + records };
  let { fromData, fromResults, rows } = before;
  if (headers[HEADER.stream] === undefined) rows += records;
  else if (subject.endsWith("parked.results")) fromResults += records;
  else fromData += records;
  return { fromData, fromResults, rows, reasons };
}

function reasonFor(known: ParkedCounts["reasons"], reason: string): string {
  return Object.hasOwn(known, reason) || Object.keys(known).length < MAX_REASONS ? reason : OTHER_REASONS;
}
