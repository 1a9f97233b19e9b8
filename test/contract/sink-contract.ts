/** What every sink owes the batcher. Run by each sink's own test file. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Sink, WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { resultsOf } from "../support/result-columns.js";
import type { PlainResult } from "../support/result-columns.js";

/** One row as the warehouse tells it, once per ID. */
export interface StoredRow {
  readonly ID: bigint;
  readonly Data: bigint;
  readonly Meta: string;
  readonly RData: bigint;
  readonly Late: boolean;
}

/** A warehouse of its own for each test. */
export interface Warehouse {
  open(lateAfterMs: number): Promise<Sink>;
  /** The rows once per ID, as the promise has it: the table or the view over it. Ends the sink's hold. */
  rows(): Promise<readonly StoredRow[]>;
  remove(): Promise<void>;
  /** False where the warehouse does not say whether it knew an ID. */
  readonly countsRepeats: boolean;
}

export function sinkContract(name: string, makeWarehouse: () => Promise<Warehouse>): void {
  describe(`${name} as a sink`, () => {
    let warehouse: Warehouse;
    let sink: Sink;
    beforeEach(async () => {
      warehouse = await makeWarehouse();
      sink = await warehouse.open(60_000);
    });
    afterEach(async () => {
      await sink.close();
      await warehouse.remove();
    });

    const write = (...parts: (readonly PlainResult[])[]): Promise<WriteOutcome> => {
      const batch = parts.map(resultsOf);
      const rows = batch.reduce((sum, part) => sum + part.count, 0);
      return sink.write({ parts: batch, rows }, new AbortController().signal);
    };
    const rowsNow = async (): Promise<readonly StoredRow[]> => {
      await sink.close();
      const rows = await warehouse.rows();
      return [...rows].sort((a, b) => (a.ID < b.ID ? -1 : 1));
    };

    it("stores every part of a batch", async () => {
      const outcome = await write(
        [{ ID: 1n, Data: 10n, RData: 100n }, { ID: 2n }],
        [],
        [{ ID: 3n, Meta: "three" }],
      );

      assert.deepEqual(outcome, { stored: 3, repeats: 0, replays: 0, late: 0, rejected: [] });
      const rows = await rowsNow();
      assert.deepEqual(rows, [
        { ID: 1n, Data: 10n, Meta: "", RData: 100n, Late: false },
        { ID: 2n, Data: 0n, Meta: "", RData: 0n, Late: false },
        { ID: 3n, Data: 0n, Meta: "three", RData: 0n, Late: false },
      ]);
    });

    it("keeps int64 edges and texts byte for byte", async () => {
      const edges = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n, -1n];
      const texts = [
        "twelve bytes",
        "thirteen byte",
        "x".repeat(100_000),
        'emoji 👩‍👩‍👧 \0 {{projectId}} "\\\n',
        "",
      ];
      const results = edges.map((edge, index) => ({
        ID: edge,
        Data: edge,
        RData: edge,
        Meta: texts[index] ?? "",
      }));
      await write(results);

      const rows = await rowsNow();
      const expected = results
        .map((result) => ({ ...result, Late: false }))
        .sort((a, b) => (a.ID < b.ID ? -1 : 1));
      assert.deepEqual(rows, expected);
    });

    it("shows an ID once, with its newest ProcessTime, in whatever order results arrive", async () => {
      const nowMs = Date.now();
      await write([{ ID: 1n, RData: 2n, storedAtMs: nowMs - 20, processedAtMs: nowMs - 20 }, { ID: 2n }]);
      const outcome = await write([
        { ID: 1n, RData: 1n, storedAtMs: nowMs - 30, processedAtMs: nowMs - 30 },
        { ID: 1n, RData: 4n, storedAtMs: nowMs - 5, processedAtMs: nowMs - 5 },
        { ID: 1n, RData: 3n, storedAtMs: nowMs - 10, processedAtMs: nowMs - 10 },
        { ID: 3n },
      ]);

      if (warehouse.countsRepeats) assert.deepEqual([outcome.stored, outcome.repeats], [1, 3]);
      const rows = await rowsNow();
      assert.deepEqual(
        rows.map(({ ID, RData }) => [ID, RData]),
        [
          [1n, 4n],
          [2n, 0n],
          [3n, 0n],
        ],
      );
    });

    it("takes the same batch again without a second row", async () => {
      const results = [{ ID: 1n }, { ID: 2n }].map((result) => ({
        ...result,
        storedAtMs: 1_790_000_000_000,
      }));
      await write(results);
      const outcome = await write(results);

      if (warehouse.countsRepeats)
        assert.deepEqual([outcome.stored, outcome.repeats, outcome.replays], [0, 0, 2]);
      assert.equal((await rowsNow()).length, 2);
    });

    it("marks what is stored too long after its DTimeStamp as late", async () => {
      const outcome = await write([{ ID: 1n, storedAtMs: Date.now() - 61_000 }, { ID: 2n }]);

      assert.equal(outcome.late, 1);
      const rows = await rowsNow();
      assert.deepEqual(
        rows.map(({ Late }) => Late),
        [true, false],
      );
    });

    it("is ok while it takes rows, and closes twice", async () => {
      await write([{ ID: 1n }]);
      assert.equal(sink.state().ok, true);
      await sink.close();
      await sink.close();
    });
  });
}
