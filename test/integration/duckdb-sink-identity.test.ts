/** Each ID once and each message counted once, whatever is repeated or delivered again. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { openDuckDbSink } from "../../services/results-engine/sinks/duckdb/duckdb-sink.js";
import type { Sink, SinkTotals, WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { mixedIds } from "../support/mixed-ids.js";
import { resultsOf } from "../support/result-columns.js";
import type { PlainResult } from "../support/result-columns.js";
import { tempFolder } from "../support/temp-folder.js";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 2);
/** Long after every time in these tests, so that the sink counts as open for hours. */
const clock = { nowMs: START_MS };

const folder = tempFolder();
after(() => folder.remove());

function open(name: string): Promise<Sink> {
  const uri = parsePluginUri("SINK", `duckdb:${join(folder.path, name)}`);
  const context = { lateAfterMs: 60_000, runId: "run", warn: () => undefined };
  return openDuckDbSink(uri, context, { nowMs: () => clock.nowMs });
}

/** A message: its rows share the instant it was stored at. */
interface Message {
  readonly storedAtMs: number;
  readonly rows: readonly { readonly ID: bigint; readonly RData: bigint; readonly processedAtMs: number }[];
}

function write(sink: Sink, ...messages: readonly Message[]): Promise<WriteOutcome> {
  const parts = messages.map(({ storedAtMs, rows }) => {
    return resultsOf(rows.map((row): PlainResult => ({ ...row, storedAtMs })));
  });
  const rows = parts.reduce((sum, { count }) => sum + count, 0);
  return sink.write({ parts, rows }, new AbortController().signal);
}

function single(ID: number, storedAtMs: number, processedAtMs = storedAtMs, RData = 0): Message {
  return { storedAtMs, rows: [{ ID: BigInt(ID), RData: BigInt(RData), processedAtMs }] };
}

function counts({ stored, repeats, replays }: WriteOutcome): readonly number[] {
  return [stored, repeats, replays];
}

describe("duckdb: counts what is repeated and what comes again", () => {
  it("knows a message again whose row another message has replaced since", async () => {
    const sink = await open("replaced.duckdb");
    const first = single(1, START_MS);
    const second = single(1, START_MS + 5);

    assert.deepEqual(counts(await write(sink, first)), [1, 0, 0]);
    assert.deepEqual(counts(await write(sink, second)), [0, 1, 0]);
    assert.deepEqual(counts(await write(sink, first)), [0, 0, 1]);
    assert.deepEqual(counts(await write(sink, second)), [0, 0, 1]);
    await sink.close();
  });

  it("knows a message again whose row never won", async () => {
    const sink = await open("loser.duckdb");
    const older = single(1, START_MS);

    await write(sink, single(1, START_MS + 5));
    assert.deepEqual(counts(await write(sink, older)), [0, 1, 0]);
    await sink.close();

    const again = await open("loser.duckdb");
    assert.deepEqual(counts(await write(again, older)), [0, 0, 1]);
    await again.close();
  });

  it("counts an ID twice in one message as a repeat, and as replays when the message comes again", async () => {
    const sink = await open("twice.duckdb");
    const message = {
      storedAtMs: START_MS,
      rows: [...single(1, START_MS).rows, ...single(1, START_MS).rows],
    };

    assert.deepEqual(counts(await write(sink, message)), [1, 1, 0]);
    assert.deepEqual(counts(await write(sink, message)), [0, 0, 2]);
    await sink.close();
  });

  it("knows a message again that comes again within one batch", async () => {
    const sink = await open("batch.duckdb");
    const message = {
      storedAtMs: START_MS,
      rows: [1n, 2n, 2n].map((ID) => ({ ID, RData: 0n, processedAtMs: START_MS })),
    };
    // Crunched once more, with a record that failed the first time.
    const more = { ...message, rows: [...message.rows, ...single(3, START_MS).rows] };

    assert.deepEqual(counts(await write(sink, message, message)), [2, 1, 3]);
    assert.deepEqual(counts(await write(sink, more, message)), [1, 0, 6]);
    assert.deepEqual(counts(await write(sink, single(1, START_MS + 5), single(1, START_MS + 5))), [0, 1, 1]);
    await sink.close();
  });

  it("counts a late row once, and not again when its message comes again", async () => {
    const sink = await open("late.duckdb");
    const late = single(1, START_MS - 60_001);

    assert.equal((await write(sink, late, single(2, START_MS - 60_000))).late, 1);
    assert.equal((await write(sink, late, single(3, START_MS))).late, 0);
    await sink.close();
  });

  it("forgets the messages of repeats when they can come again no more, and not before", async () => {
    const path = join(folder.path, "forgets.duckdb");
    const remembered = async (): Promise<unknown> => {
      const [row] = await queryDuckDb(path, "select count(*) n from results_repeat_messages");
      return row?.n;
    };
    clock.nowMs = START_MS;
    const first = await open("forgets.duckdb");
    await write(first, single(1, START_MS), single(1, START_MS + 1));
    await first.close();
    assert.equal(await remembered(), 2n);

    // Opened days later: the messages of the process before may all come again first.
    clock.nowMs += 72 * HOUR_MS;
    const second = await open("forgets.duckdb");
    await write(second, single(2, clock.nowMs), single(2, clock.nowMs + 1));
    assert.deepEqual(counts(await write(second, single(1, START_MS))), [0, 0, 1]);
    clock.nowMs += 3 * HOUR_MS;
    await write(second, single(3, clock.nowMs), single(3, clock.nowMs + 1));
    await second.close();
    clock.nowMs = START_MS;

    assert.equal(await remembered(), 2n);
  });

  it("finds the one repeat among a million IDs at random, also when it is opened again", async () => {
    const sink = await open("random.duckdb");
    const frame = 100_000;
    for (let first = 0; first < 1_000_000; first += frame) {
      const ids = mixedIds(first, first + frame);
      const parts = [resultsOf(Array.from(ids, (ID) => ({ ID })))];
      assert.equal((await sink.write({ parts, rows: frame }, AbortSignal.timeout(60_000))).stored, frame);
    }
    const rows = [...mixedIds(123_456, 123_457), ...mixedIds(1_000_000, 1_000_010)].map((ID) => {
      return { ID, RData: 0n, processedAtMs: START_MS };
    });
    assert.deepEqual(counts(await write(sink, { storedAtMs: START_MS, rows })), [10, 1, 0]);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith("random.duckdb.ids")),
      [],
    );
    await sink.close();

    const again = await open("random.duckdb");
    const later = { storedAtMs: START_MS + 5, rows: rows.slice(1, 3) };
    assert.deepEqual(counts(await write(again, later)), [0, 2, 0]);
    await again.close();
  });

  it("agrees with a plain model over any messages, batches and redeliveries", async () => {
    const row = fc.record({
      ID: fc.bigInt(0n, 6n),
      RData: fc.bigInt(0n, 1_000n),
      processedAtMs: fc.integer({ min: START_MS, max: START_MS + 5 }),
    });
    const messages = fc.array(fc.array(row, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 });
    /** Sizes of batches; a batch may end with a message of before or of its own, delivered again. */
    const steps = fc.array(
      fc.record({ size: fc.integer({ min: 1, max: 4 }), again: fc.option(fc.nat()), reopens: fc.boolean() }),
    );
    let run = 0;
    const property = fc.asyncProperty(messages, steps, async (bodies, plan) => {
      run += 1;
      const name = `model-${run}.duckdb`;
      const all = bodies.map((rows, index): Message => ({ storedAtMs: START_MS + index, rows }));
      let sink = await open(name);
      const sums = { stored: 0, repeats: 0, replays: 0 };
      let replayed = 0;
      const take = (outcome: WriteOutcome): void => {
        for (const key of ["stored", "repeats", "replays"] as const) sums[key] += outcome[key];
      };
      let next = 0;
      for (const { size, again, reopens } of [...plan, { size: all.length, again: null, reopens: true }]) {
        const batch = all.slice(next, next + size);
        next = Math.min(all.length, next + size);
        const known = again === null ? undefined : all[again % next];
        replayed += known?.rows.length ?? 0;
        take(await write(sink, ...batch, ...(known === undefined ? [] : [known])));
        if (!reopens) continue;
        await sink.close();
        sink = await open(name);
      }
      const totals: SinkTotals = sink.earlierTotals;
      await sink.close();

      const winners = modelOf(all);
      const rows = all.reduce((sum, message) => sum + message.rows.length, 0);
      assert.deepEqual(sums, { stored: winners.length, repeats: rows - winners.length, replays: replayed });
      assert.deepEqual([totals.stored, totals.repeats], [sums.stored, sums.repeats]);
      const table = await queryDuckDb(
        join(folder.path, name),
        "select ID, RData, epoch_ms(ProcessTime) processed from results order by ID",
      );
      assert.deepEqual(
        table.map(({ ID, RData, processed }) => [ID, RData, Number(processed)]),
        winners,
      );
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

/** The newest ProcessTime of each ID; of equals the message stored last, of those the last in it. */
function modelOf(messages: readonly Message[]): readonly (readonly [bigint, bigint, number])[] {
  const winners = new Map<bigint, readonly [bigint, bigint, number]>();
  for (const { rows } of messages) {
    for (const { ID, RData, processedAtMs } of rows) {
      const best = winners.get(ID);
      if (best === undefined || processedAtMs >= best[2]) winners.set(ID, [ID, RData, processedAtMs]);
    }
  }
  return [...winners.values()].sort((a, b) => Number(a[0] - b[0]));
}
