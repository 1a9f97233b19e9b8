/**
 * The account of every record: published = stored + repeats + parked + outstanding.
 *
 * What was published, crunched and parked is counted in the streams, by whoever looks; what was stored,
 * by the sink. A record that is replayed from PARKED counts as published once more.
 */
import type { Messaging } from "./messaging.js";
import type { StageLook, StreamsLook } from "./streams-look.js";

/** What a sink says; kept as the note `sink.NAME`. */
export interface SinkCounts {
  /** Undefined of a sink that cannot tell: then an acked result counts as stored. */
  readonly stored?: number | undefined;
  readonly repeats: number;
  /** Rows that came again from the same message. */
  readonly replays: number;
  readonly late: number;
}

export interface Ledger {
  readonly published: number;
  readonly crunched: number;
  readonly stored: number;
  readonly repeats: number;
  readonly parked: number;
  readonly outstanding: number;
  readonly late: number;
  /** Outstanding records that no stream holds any more and no engine has in hand: lost. */
  readonly unaccounted: number;
}

/** First word of the notes of sinks. */
export const SINK_NOTES = "sink";

/**
 * The account, which balances whatever is looked at; `unaccounted` is exact when nothing is under way,
 * and a lower bound while records move.
 *
 * @param sink undefined while none has shown itself
 */
export function ledgerOf({ data, results, parked }: StreamsLook, sink?: SinkCounts): Ledger {
  const parkedRecords = parked.fromData + parked.fromResults + parked.rows;
  // Not less, should a server that was killed have forgotten a message that was worked on already.
  const published = Math.max(data.records + parked.rows, parkedRecords);
  const unparked = published - parkedRecords;
  const settled = Math.max(0, results.settledRecords - parked.fromResults);
  const stored = Math.min(sink?.stored ?? settled, unparked);
  const repeats = Math.min(sink?.stored === undefined ? 0 : sink.repeats, unparked - stored);
  return {
    published,
    crunched: results.records,
    stored,
    repeats,
    parked: parkedRecords,
    outstanding: unparked - stored - repeats,
    late: sink?.late ?? 0,
    unaccounted: unaccountedOf({ data, results, parked }, sink),
  };
}

/** Records in the streams that are neither settled nor parked; needs no sink. */
export function outstandingOf({ data, results, parked }: StreamsLook): number {
  return Math.max(0, data.records - parked.fromData - results.settledRecords);
}

function unaccountedOf({ data, results, parked }: StreamsLook, sink: SinkCounts | undefined): number {
  const uncrunched = Math.max(0, data.settledRecords - results.records - parked.fromData);
  if (sink?.stored === undefined) return uncrunched;
  const known = sink.stored + sink.repeats + parked.fromResults;
  // Idle in the order of the path: what was in DATA then has gone all the way.
  if (isIdle(data) && isIdle(results)) return Math.max(0, data.settledRecords - parked.fromData - known);
  // A result that was crunched twice is twice in RESULTS, and a replay for the sink.
  return uncrunched + Math.max(0, results.settledRecords - known - sink.replays);
}

function isIdle({ pendingMessages, unackedMessages }: StageLook): boolean {
  return pendingMessages === 0 && unackedMessages === 0;
}

/**
 * Looks once. The sinks are asked between the ack floors and the newest records: a sink notes what it
 * stored before the results are acked, and nothing is stored that was not published before.
 */
export async function lookAtLedger(
  messaging: Pick<Messaging, "streamsLook" | "notes">,
): Promise<{ readonly streams: StreamsLook; readonly ledger: Ledger }> {
  let sink: SinkCounts | undefined;
  const streams = await messaging.streamsLook(async () => {
    const notes = await messaging.notes.all(SINK_NOTES);
    sink = sumOf(notes.map(({ value }) => value as SinkCounts));
  });
  return { streams, ledger: ledgerOf(streams, sink) };
}

function sumOf(counts: readonly SinkCounts[]): SinkCounts | undefined {
  if (counts.length === 0) return undefined;
  const sum = (of: (one: SinkCounts) => number): number => counts.reduce((all, one) => all + of(one), 0);
  const canTell = counts.every(({ stored }) => stored !== undefined);
  return {
    stored: canTell ? sum(({ stored }) => stored ?? 0) : undefined,
    repeats: sum(({ repeats }) => repeats),
    replays: sum(({ replays }) => replays),
    late: sum(({ late }) => late),
  };
}
