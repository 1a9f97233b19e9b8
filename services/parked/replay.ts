/**
 * PARKED -> the subject each entry came from -> out of PARKED.
 *
 * The order is: publish, wait for the stored confirm, remove. Killed in between, the entry is still
 * parked, and replaying it again sends the same message id: within the dedupe window of the stream
 * nothing new is stored; later the record is crunched or written a second time, which the sink tells
 * by its ID and counts as a repeat. So a replayed record is in the table exactly once, always. If it
 * fails again it is parked again, as a new entry.
 */
import { EngineError, messageOf } from "../shared/errors.js";
import { HEADER } from "../shared/messaging.js";
import type { Publisher, Subject } from "../shared/messaging.js";
import type { ParkedEntry, ParkedStore } from "../shared/parked-store.js";
import type { ParkedFilter } from "./parked-filter.js";
import { selected } from "./selection.js";

/** Entries that are under way at once. */
const IN_FLIGHT = 64;

export interface ReplayParts {
  readonly store: ParkedStore;
  readonly publisher: Publisher;
  /** Headers of the newest message of a subject. */
  readonly lastHeaders: (subject: Subject) => Promise<Readonly<Record<string, string>> | undefined>;
}

/** What became of the entries. */
export interface ReplayCounts {
  /** Published again and no longer parked. */
  replayed: number;
  /** No longer parked; an earlier replay that was cut off had published them. */
  alreadySent: number;
  /** Still parked: there is nothing that could be published. */
  skipped: number;
  /** Still parked: the server never takes them. */
  failed: number;
  /** Asked for by number and not parked (any more). */
  missing: number;
  /** One sentence for each kind of what is still parked. */
  readonly notes: string[];
}

/** @throws EngineError when the connection breaks for good; what was not replayed is still parked */
export async function replay(parts: ReplayParts, filter: ParkedFilter): Promise<ReplayCounts> {
  const counts: ReplayCounts = {
    replayed: 0,
    alreadySent: 0,
    skipped: 0,
    failed: 0,
    missing: 0,
    notes: [],
  };
  const replayer = new Replayer(parts, counts);
  let seen = 0;
  const entries = selected(parts.store, filter);
  const lane = async (): Promise<void> => {
    // All lanes share the iterator: each takes what the others have not.
    for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
      seen += 1;
      await replayer.replay(next.value);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  counts.missing = Math.max(0, Math.min(filter.limit, filter.sequences.size) - seen);
  return counts;
}

class Replayer {
  readonly #parts: ReplayParts;
  readonly #counts: ReplayCounts;

  constructor(parts: ReplayParts, counts: ReplayCounts) {
    this.#parts = parts;
    this.#counts = counts;
  }

  async replay(entry: ParkedEntry): Promise<void> {
    const { store, publisher } = this.#parts;
    const { subject, payload } = entry;
    const obstacle = obstacleOf(entry);
    if (subject === undefined || obstacle !== undefined) {
      this.#counts.skipped += 1;
      this.#note(obstacle ?? "");
      return;
    }
    try {
      const headers = await this.#headersOf(entry);
      const { duplicate } = await publisher.publish({
        subject,
        payload,
        messageId: `replay-${entry.id}`,
        headers,
      });
      await store.remove(entry);
      if (duplicate) this.#counts.alreadySent += 1;
      else this.#counts.replayed += 1;
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== "too_large") throw thrown;
      this.#counts.failed += 1;
      this.#note(messageOf(thrown));
    }
  }

  /** A frame of the source carries how far its run is: without it a run that is resumed would start over. */
  async #headersOf({ subject, records, trace }: ParkedEntry): Promise<Record<string, string>> {
    if (subject?.endsWith(".frame") !== true) return { ...trace };
    const headers: Record<string, string> = { ...trace, [HEADER.records]: String(records) };
    const last = subject === "data.frame" ? await this.#parts.lastHeaders(subject) : undefined;
    for (const name of [HEADER.run, HEADER.position, HEADER.confirmed]) {
      const value = last?.[name];
      if (value !== undefined) headers[name] = value;
    }
    return headers;
  }

  #note(sentence: string): void {
    if (!this.#counts.notes.includes(sentence)) this.#counts.notes.push(sentence);
  }
}

/** Why there is nothing to publish; undefined if there is. */
function obstacleOf({ subject, origin, isWhole }: ParkedEntry): string | undefined {
  if (!isWhole) return "of a large item only one half is parked, because its engine died: it is parked again";
  if (subject !== undefined) return undefined;
  if (origin !== undefined) return "the stream no longer has the message that was delivered too often";
  return (
    "a bad row of a source was never a message: correct it where it came from and run that source again " +
    "(its good rows count as repeats)"
  );
}
