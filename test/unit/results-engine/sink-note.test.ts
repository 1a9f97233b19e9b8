import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSinkNote } from "../../../services/results-engine/sink-note.js";
import type { Sink, WriteOutcome } from "../../../services/results-engine/sinks/sink.js";
import { EngineError } from "../../../services/shared/errors.js";
import { SINK_NOTES } from "../../../services/shared/ledger.js";
import { MemoryNotes } from "../../../services/shared/memory/memory-notes.js";
import type { Note } from "../../../services/shared/notes.js";
import { until } from "../../support/until.js";

const never = new AbortController().signal;

function sinkWith(lifetimeTotals: Sink["lifetimeTotals"], description = "a sink"): Sink {
  return {
    description,
    maxConcurrentWrites: 1,
    earlierTotals: { stored: 0, repeats: 0, late: 0 },
    lifetimeTotals,
    write: () => Promise.reject(new Error("not written to")),
    state: () => ({ ok: true, detail: "" }),
    close: () => Promise.resolve(),
  };
}

function outcomeOf(stored: number, repeats = 0, late = 0): WriteOutcome {
  return { stored, repeats, replays: 0, late, rejected: [] };
}

/** What is noted, by its figures. */
async function noted(notes: MemoryNotes): Promise<unknown[]> {
  const all = await notes.all(SINK_NOTES);
  return all.map(({ value }) => {
    const { stored, repeats, replays, late } = value as Record<string, number>;
    return [stored, repeats, replays, late];
  });
}

/** Notes that are not read or written while something is in the way. */
class BrokenNotes extends MemoryNotes {
  obstacle: Error | undefined;
  tries = 0;

  /** Reads that nobody answers. */
  silentReads = 0;

  override read(key: string): Promise<Note | undefined> {
    if (this.silentReads === 0) return super.read(key);
    this.silentReads -= 1;
    return Promise.reject(new Error("TIMEOUT"));
  }

  override write(key: string, value: unknown, expected?: number): Promise<boolean> {
    this.tries += 1;
    return this.obstacle === undefined ? super.write(key, value, expected) : Promise.reject(this.obstacle);
  }
}

describe("the note of a sink", () => {
  it("counts from when the pipeline first had it, and what a process could not note any more", async () => {
    const notes = new MemoryNotes();
    const first = await openSinkNote(notes, sinkWith({ stored: 100, repeats: 10, late: 1 }), never);
    await first.add(outcomeOf(5, 2, 1));
    assert.deepEqual(await noted(notes), [[5, 2, 0, 1]]);

    // Killed after 7 more rows were stored, and before they were noted.
    const second = await openSinkNote(notes, sinkWith({ stored: 112, repeats: 12, late: 2 }), never);
    assert.deepEqual(await noted(notes), [[12, 2, 0, 1]]);
    await second.add(outcomeOf(1));
    assert.deepEqual(await noted(notes), [[13, 2, 0, 1]]);

    // Somebody dropped the table.
    await openSinkNote(notes, sinkWith({ stored: 0, repeats: 0, late: 0 }), never);
    assert.deepEqual(await noted(notes), [[13, 2, 0, 1]]);
  });

  it("opens although nobody answers at first, as while a cluster chooses a leader", async () => {
    const notes = new BrokenNotes();
    await (await openSinkNote(notes, sinkWith({ stored: 0, repeats: 0, late: 0 }), never)).add(outcomeOf(5));
    notes.silentReads = 1;
    await openSinkNote(notes, sinkWith({ stored: 5, repeats: 0, late: 0 }), never);
    assert.deepEqual(await noted(notes), [[5, 0, 0, 0]]);
  });

  it("adds up what several engines tell of a sink without totals, and claims nothing stored", async () => {
    const notes = new MemoryNotes();
    const engines = await Promise.all([1, 2, 3].map(() => openSinkNote(notes, sinkWith(undefined), never)));
    await Promise.all(
      engines.flatMap((engine) => [1, 2, 3, 4].map((late) => engine.add(outcomeOf(10, 0, late)))),
    );
    assert.deepEqual(await noted(notes), [[undefined, 0, 0, 30]]);
  });

  it("holds the acks back while the server is away, and no longer than it may", async () => {
    const notes = new BrokenNotes();
    const giveUp = new AbortController();
    const note = await openSinkNote(notes, sinkWith({ stored: 0, repeats: 0, late: 0 }), giveUp.signal);
    notes.obstacle = new Error("away");
    let isDone = false;
    const added = note.add(outcomeOf(5)).then(() => (isDone = true));
    await until(() => notes.tries > 2, 60_000, "another try");
    assert.equal(isDone, false);
    notes.obstacle = undefined;
    await added;
    assert.deepEqual(await noted(notes), [[5, 0, 0, 0]]);

    notes.obstacle = new Error("away");
    const given = note.add(outcomeOf(1));
    giveUp.abort();
    await given;
  });

  it("holds nobody up where the server refuses, as one without room does", async () => {
    const notes = new BrokenNotes();
    const note = await openSinkNote(notes, sinkWith({ stored: 0, repeats: 0, late: 0 }), never);
    notes.obstacle = new EngineError("note_refused", "retry", "no room");
    await note.add(outcomeOf(5));
    notes.obstacle = undefined;
    await note.add(outcomeOf(1));
    assert.deepEqual(await noted(notes), [[6, 0, 0, 0]]);
  });
});
