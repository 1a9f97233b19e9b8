/**
 * Which rows of a batch are in no batch before.
 *
 * A message comes again byte for byte and is told by its key. But a data message that is crunched again may
 * be answered by other rows: a record that failed then succeeds now. Both answers share its DTimeStamp, and only for
 * them rows are compared one by one.
 */
import type { BatchMessage, LoadJournal } from "./load-journal.js";
import { identitiesOf, messagesOf, someOf } from "./load-messages.js";
import type { MessageRows } from "./load-messages.js";
import type { Batch, RejectedRow } from "../sink.js";

/** A message that no batch before has brought. */
export interface FreshMessage {
  readonly message: BatchMessage;
  readonly rows: MessageRows;
}

export interface LoadNews {
  readonly fresh: readonly FreshMessage[];
  /** Rows of batches before, those among `rejected` left out. */
  readonly replays: number;
  /** Rows that were rejected before: whoever crashed before they were parked parks them now. */
  readonly rejected: readonly RejectedRow[];
}

export async function newsOf(batch: Batch, journal: LoadJournal): Promise<LoadNews> {
  const fresh = new Map<string, FreshMessage>();
  const freshAt = new Map<string, MessageRows[]>();
  const rejected: RejectedRow[] = [];
  let known = 0;
  const add = (rows: MessageRows): void => {
    const { key, columns, instant } = rows;
    fresh.set(key, { message: { key, rows: columns.count, instant, rejected: [] }, rows });
    if (instant === undefined) return;
    const others = freshAt.get(instant);
    if (others === undefined) freshAt.set(instant, [rows]);
    else others.push(rows);
  };
  for (const rows of messagesOf(batch)) {
    const { key, columns, part, places } = rows;
    if (columns.count === 0) continue;
    const before = journal.known(key);
    if (before !== undefined || fresh.has(key)) {
      known += columns.count;
      for (const { row, reason } of before?.rejected ?? [])
        rejected.push({ part, row: places[row] ?? 0, reason });
      continue;
    }
    const others = await othersAt(rows, journal, freshAt);
    if (others.size === 0) {
      add(rows);
      continue;
    }
    const identities = identitiesOf(columns);
    const news = identities.flatMap((identity, row) => (others.has(identity) ? [] : [row]));
    known += columns.count - news.length;
    for (const [row, identity] of identities.entries()) {
      const reason = others.get(identity);
      if (reason !== undefined) rejected.push({ part, row: places[row] ?? 0, reason });
    }
    if (news.length > 0) add(news.length === columns.count ? rows : someOf(rows, news));
  }
  return { fresh: [...fresh.values()], replays: known - rejected.length, rejected };
}

/** Rows of other answers to the same data message, and why those were rejected that were. */
async function othersAt(
  { instant }: MessageRows,
  journal: LoadJournal,
  freshAt: ReadonlyMap<string, readonly MessageRows[]>,
): Promise<ReadonlyMap<string, string | undefined>> {
  if (instant === undefined) return new Map();
  const others = new Map(await journal.rowsAt(instant));
  for (const { columns } of freshAt.get(instant) ?? []) {
    for (const identity of identitiesOf(columns)) others.set(identity, undefined);
  }
  return others;
}
