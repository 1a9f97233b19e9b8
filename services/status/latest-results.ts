/** The newest results, from the end of RESULTS: they are there whatever the sink is, and whoever has it open. */
import { plainRows } from "../shared/codec/plain-rows.js";
import type { PlainRow } from "../shared/codec/plain-rows.js";
import { decodeResults } from "../shared/codec/result-codec.js";
import type { DecodedResults } from "../shared/codec/result-codec.js";
import { EngineError } from "../shared/errors.js";
import type { KeptMessage, Messaging } from "../shared/messaging.js";

/** Results that are looked at. */
const RESULTS = 12;

export interface LatestResults {
  /** Newest first. */
  readonly rows: readonly PlainRow[];
  /** From DTimeStamp to ProcessTime of the newest one, in seconds; undefined if there is none. */
  readonly crunchSeconds: number | undefined;
}

/** None where the stream keeps none any more: what is finished is removed after some minutes. */
export async function latestResults(messaging: Pick<Messaging, "newest">): Promise<LatestResults> {
  const rows: PlainRow[] = [];
  let crunchSeconds: number | undefined;
  for (const message of await messaging.newest("results", RESULTS)) {
    const results = decoded(message);
    if (results === undefined || results.count === 0) continue;
    crunchSeconds ??= crunchSecondsOf(results);
    const missing = RESULTS - rows.length;
    rows.push(...plainRows(results, Math.max(0, results.count - missing)).toReversed());
  }
  return { rows, crunchSeconds };
}

function crunchSecondsOf({ dTimeStampsUs, processTimesUs, count }: DecodedResults): number {
  const us = (processTimesUs[count - 1] ?? 0n) - (dTimeStampsUs[count - 1] ?? 0n);
  return Math.max(0, Number(us)) / 1e6;
}

/** Undefined of what others publish there and is no result. */
function decoded({ payload, isFrame }: KeptMessage): DecodedResults | undefined {
  try {
    return decodeResults(payload, isFrame);
  } catch (thrown) {
    if (thrown instanceof EngineError) return undefined;
    throw thrown;
  }
}
