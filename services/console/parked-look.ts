/** What is parked, as the page shows it, and its way back into the pipeline. */
import { messageOf } from "../shared/errors.js";
import type { Publisher, Subject } from "../shared/messaging.js";
import type { ParkedEntry, ParkedStore } from "../shared/parked-store.js";
import { idsOf, rowsOf } from "../parked/parked-contents.js";
import { parseFilter } from "../parked/parked-filter.js";
import type { FilterWords } from "../parked/parked-filter.js";
import { factsOf, hexDump } from "../parked/parked-lines.js";
import { replay } from "../parked/replay.js";
import type { ReplayCounts } from "../parked/replay.js";
import { selected } from "../parked/selection.js";
import type { ParkedDetail, ParkedItem, ParkedList, ReplayAnswer } from "./console-look.js";

/** Items of one answer. */
const PAGE_ITEMS = 50;
/** IDs named of an item in a list. */
const IDS_SHOWN = 3;
/** Rows and bytes shown of an item that is opened. */
const ROWS_SHOWN = 20;
const BYTES_SHOWN = 512;
/** A replay that is held back for longer goes on unwatched, in milliseconds. */
const REPLAY_PATIENCE_MS = 10_000;

export interface ParkedSource {
  readonly parkedStore: ParkedStore;
  readonly publisher: Publisher;
  lastHeaders(subject: Subject): Promise<Readonly<Record<string, string>> | undefined>;
}

/**
 * Oldest first.
 *
 * @param reason only with this one; all if undefined
 * @param fromSequence leaves out what has a smaller number
 */
export async function parkedList(
  { parkedStore }: ParkedSource,
  reason: string | undefined,
  fromSequence: number,
): Promise<ParkedList> {
  const items: ParkedItem[] = [];
  for await (const entry of parkedStore.entries(fromSequence)) {
    if (reason !== undefined && entry.reason !== reason) continue;
    if (items.length === PAGE_ITEMS) return { items, nextSequence: entry.sequence };
    items.push(itemOf(entry));
  }
  return { items, nextSequence: null };
}

/** Undefined if nothing is parked under this number (any more). */
export async function parkedDetail(
  { parkedStore }: ParkedSource,
  sequence: number,
): Promise<ParkedDetail | undefined> {
  for await (const entry of selected(parkedStore, filterOf({ sequences: [String(sequence)] }))) {
    const rows = rowsOf(entry);
    const firstBytes = entry.payload.subarray(0, BYTES_SHOWN);
    return {
      ...itemOf(entry),
      payloadBytes: entry.payload.length,
      rows: rows?.slice(0, ROWS_SHOWN) ?? null,
      rowCount: rows?.length ?? 0,
      hexDump: hexDump(firstBytes),
      shownBytes: firstBytes.length,
    };
  }
  return undefined;
}

/**
 * As `crunch parked replay SEQ`. What is held back, as by a full stream, is sent when it can be.
 *
 * @throws EngineError when the connection breaks for good
 */
export async function replayOne(source: ParkedSource, sequence: number): Promise<ReplayAnswer> {
  const { parkedStore: store, publisher } = source;
  const lastHeaders = source.lastHeaders.bind(source);
  const replaying = replay({ store, publisher, lastHeaders }, filterOf({ sequences: [String(sequence)] }));
  // What fails after the answer was given is still parked.
  replaying.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), REPLAY_PATIENCE_MS);
  });
  try {
    const counts = await Promise.race([replaying, tooLong]);
    if (counts !== undefined) return answerOf(counts, sequence);
    return { ok: false, detail: `waiting to be sent: ${publisher.blockedBy() ?? "no answer yet"}` };
  } catch (thrown) {
    return { ok: false, detail: `still parked: ${messageOf(thrown)}` };
  } finally {
    clearTimeout(timer);
  }
}

function answerOf({ replayed, alreadySent, missing, notes }: ReplayCounts, sequence: number): ReplayAnswer {
  if (replayed > 0) return { ok: true, detail: `${String(sequence)} is replayed` };
  if (alreadySent > 0) return { ok: true, detail: `${String(sequence)} had been sent by an earlier replay` };
  if (missing > 0) return { ok: false, detail: `${String(sequence)} is not parked any more` };
  return { ok: false, detail: `still parked: ${notes.join("; ")}` };
}

function itemOf(entry: ParkedEntry): ParkedItem {
  return { ...factsOf(entry), ids: idsOf(entry).slice(0, IDS_SHOWN).map(String) };
}

function filterOf(words: FilterWords) {
  return parseFilter(words, Date.now());
}
