/**
 * Notes what a sink has stored since the streams exist, before the results are acked: whoever keeps
 * accounts never finds a result settled that the sink has not counted.
 */
import { createHash } from "node:crypto";
import { SINK_NOTES } from "../shared/ledger.js";
import type { SinkCounts } from "../shared/ledger.js";
import type { Notes } from "../shared/notes.js";
import { untilAnswered } from "../shared/until-answered.js";
import { NoteSaver } from "./note-saver.js";
import type { Sink, SinkTotals, WriteOutcome } from "./sinks/sink.js";

export interface SinkNote {
  /** Resolves when it is noted, or when there is no use in waiting for that. */
  add(outcome: WriteOutcome): Promise<void>;
}

/** @param giveUp ends the wait for a server that is away */
export function openSinkNote(notes: Notes, sink: Sink, giveUp: AbortSignal): Promise<SinkNote> {
  const { description, lifetimeTotals } = sink;
  const key = `${SINK_NOTES}.${createHash("sha256").update(description).digest("hex").slice(0, 16)}`;
  if (lifetimeTotals === undefined) return Promise.resolve(new SharedNote(notes, key, description, giveUp));
  return TotalsNote.open(notes, key, description, lifetimeTotals, giveUp);
}

/** What is noted of a sink that keeps totals. */
interface TotalsValue extends SinkCounts {
  readonly sink: string;
  readonly stored: number;
  /** What the table said of all runs when this was noted. */
  readonly lifetime: SinkTotals;
}

const NOTHING: SinkTotals = { stored: 0, repeats: 0, late: 0 };

/** Of a sink that one process owns. What it could not note any more, the table tells the next one. */
class TotalsNote implements SinkNote {
  #value: TotalsValue;
  readonly #saver: NoteSaver;

  private constructor(notes: Notes, key: string, value: TotalsValue, giveUp: AbortSignal) {
    this.#value = value;
    this.#saver = new NoteSaver(() => notes.write(key, this.#value), giveUp);
  }

  static async open(
    notes: Notes,
    key: string,
    sink: string,
    lifetime: SinkTotals,
    giveUp: AbortSignal,
  ): Promise<TotalsNote> {
    const note = await untilAnswered(() => notes.read(key), giveUp);
    const noted = note?.value as TotalsValue | undefined;
    const before = noted ?? { ...NOTHING, replays: 0, lifetime };
    // A table that was dropped since starts from nothing, and what was in it stays counted.
    const counts = sumOf(before, {
      stored: Math.max(0, lifetime.stored - before.lifetime.stored),
      repeats: Math.max(0, lifetime.repeats - before.lifetime.repeats),
      late: Math.max(0, lifetime.late - before.lifetime.late),
    });
    const value = { sink, ...counts, replays: before.replays, lifetime };
    const opened = new TotalsNote(notes, key, value, giveUp);
    await opened.#saver.save();
    return opened;
  }

  async add(outcome: WriteOutcome): Promise<void> {
    const { sink, replays, lifetime } = this.#value;
    this.#value = {
      sink,
      ...sumOf(this.#value, outcome),
      replays: replays + outcome.replays,
      lifetime: sumOf(lifetime, outcome),
    };
    await this.#saver.save();
  }
}

function sumOf(a: SinkTotals, b: SinkTotals): SinkTotals {
  return { stored: a.stored + b.stored, repeats: a.repeats + b.repeats, late: a.late + b.late };
}

/**
 * Of a sink that several engines write to and that does not tell repeats from news: an acked result is
 * its word for a stored one. What a server took without saying so may be added twice.
 */
class SharedNote implements SinkNote {
  #unsaved = { repeats: 0, replays: 0, late: 0 };
  readonly #saver: NoteSaver;

  constructor(notes: Notes, key: string, sink: string, giveUp: AbortSignal) {
    this.#saver = new NoteSaver(async () => {
      const note = await notes.read(key);
      const { repeats, replays, late } = this.#unsaved;
      const before = (note?.value as SinkCounts | undefined) ?? { repeats: 0, replays: 0, late: 0 };
      const value: SinkCounts & { readonly sink: string } = {
        sink,
        repeats: before.repeats + repeats,
        replays: before.replays + replays,
        late: before.late + late,
      };
      if (!(await notes.write(key, value, note?.revision ?? 0))) return false;
      this.#add({ repeats: -repeats, replays: -replays, late: -late });
      return true;
    }, giveUp);
  }

  async add(outcome: WriteOutcome): Promise<void> {
    const { repeats, replays, late } = outcome;
    if (repeats === 0 && replays === 0 && late === 0) return;
    this.#add(outcome);
    await this.#saver.save();
  }

  #add({ repeats, replays, late }: Pick<WriteOutcome, "repeats" | "replays" | "late">): void {
    this.#unsaved = {
      repeats: this.#unsaved.repeats + repeats,
      replays: this.#unsaved.replays + replays,
      late: this.#unsaved.late + late,
    };
  }
}
