import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { dropSink, openSink } from "../../services/results-engine/sinks/index.js";
import type { Batch, Sink, WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { UserError } from "../../services/shared/errors.js";
import { sinkContract } from "../contract/sink-contract.js";
import type { StoredRow } from "../contract/sink-contract.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { resultsOf } from "../support/result-columns.js";
import { tempFolder } from "../support/temp-folder.js";

sinkContract("duckdb:", () => {
  const folder = tempFolder();
  const path = join(folder.path, "contract.duckdb");
  return Promise.resolve({
    countsRepeats: true,
    open: (lateAfterMs) => openSink(`duckdb:${path}`, { ...context("run"), lateAfterMs }),
    rows: async () => {
      const rows = await queryDuckDb(path, "select ID, Data, Meta, RData, Late from results");
      return rows as unknown as StoredRow[];
    },
    remove: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
});

describe("duckdb:", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const uriOf = (name: string): string => `duckdb:${join(folder.path, name)}`;

  it("makes the table of the proto with UTC timestamps and the ID as key", async () => {
    const sink = await openSink(uriOf("schema.duckdb"), context("run"));
    await write(sink, [1n]);
    await sink.close();

    const path = join(folder.path, "schema.duckdb");
    const columns = await queryDuckDb(
      path,
      "select column_name, data_type from information_schema.columns where table_name = 'results' order by ordinal_position",
    );
    assert.deepEqual(
      columns.map((row) => `${String(row.column_name)} ${String(row.data_type)}`),
      [
        "ID BIGINT",
        "Data BIGINT",
        "Meta VARCHAR",
        "DTimeStamp TIMESTAMP",
        "RData BIGINT",
        "ProcessTime TIMESTAMP",
        "RTimeStamp TIMESTAMP",
        "Late BOOLEAN",
      ],
    );
    const [times] = await queryDuckDb(
      path,
      "select abs(epoch_ms(RTimeStamp) - epoch_ms(now())) < 60000 utc from results",
    );
    assert.equal(times?.utc, true);
  });

  it("remembers what a run stored when it is opened again", async () => {
    const first = await openSink(uriOf("totals.duckdb"), context("run-1"));
    await write(first, [1n, 2n, 3n]);
    await write(first, [3n, 4n], 1);
    await first.close();

    const again = await openSink(uriOf("totals.duckdb"), context("run-1"));
    assert.deepEqual(again.earlierTotals, { stored: 4, repeats: 1, late: 0 });
    await again.close();
    const other = await openSink(uriOf("totals.duckdb"), context("run-2"));
    assert.deepEqual(other.earlierTotals, { stored: 0, repeats: 0, late: 0 });
    await other.close();
  });

  it("writes nothing when it is opened for another run, as the disk may be full then", async () => {
    const first = await openSink(uriOf("opened.duckdb"), context("first"));
    await write(first, [1n]);
    await first.close();
    const second = await openSink(uriOf("opened.duckdb"), context("second"));
    await second.close();

    const path = join(folder.path, "opened.duckdb");
    assert.deepEqual(await queryDuckDb(path, "select RunId from results_totals"), [{ RunId: "first" }]);
  });

  it("writes into a table of the user's choice, whatever its name", async () => {
    const sink = await openSink(`${uriOf("named.duckdb")}?table=my "rows"`, context("run"));
    await write(sink, [1n]);
    await sink.close();

    const [row] = await queryDuckDb(
      join(folder.path, "named.duckdb"),
      'select count(*) n from "my ""rows"""',
    );
    assert.deepEqual(row, { n: 1n });
  });

  it("stores more rows than one chunk of DuckDB holds, long texts among them", async () => {
    const sink = await openSink(uriOf("chunks.duckdb"), context("run"));
    const results = Array.from({ length: 5_000 }, (_, index) => ({
      ID: BigInt(index),
      Meta: "m".repeat(index % 40),
    }));
    const outcome = await sink.write(
      { parts: [resultsOf(results)], rows: 5_000 },
      new AbortController().signal,
    );
    await sink.close();

    assert.equal(outcome.stored, 5_000);
    const [row] = await queryDuckDb(
      join(folder.path, "chunks.duckdb"),
      "select count(*) n, count(*) filter (Meta <> repeat('m', (ID % 40)::int)) wrong from results",
    );
    assert.deepEqual(row, { n: 5_000n, wrong: 0n });
  });

  it("replaces a full batch of the largest records", async () => {
    // BATCH_MAX_BYTES of records of MAX_RECORD_BYTES: a limit of DuckDB's memory would have to leave room for several.
    const batchFrom = (first: number): Batch => {
      const parts = Array.from({ length: 37 }, (_, row) =>
        resultsOf([{ ID: BigInt(first + row), Meta: randomBytes(450_000).toString("hex") }]),
      );
      return { parts, rows: parts.length };
    };
    const signal = AbortSignal.timeout(60_000);
    const sink = await openSink(uriOf("large.duckdb"), context("run"));
    const outcomes: WriteOutcome[] = [];
    for (const first of [0, 37, 0, 37]) outcomes.push(await sink.write(batchFrom(first), signal));
    await sink.close();

    assert.deepEqual(
      outcomes.map(({ stored, repeats, replays }) => [stored, repeats + replays]),
      [
        [37, 0],
        [37, 0],
        [0, 37],
        [0, 37],
      ],
    );
  });

  it("refuses a table with other columns and names both", async () => {
    const path = join(folder.path, "other.duckdb");
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run("create table results (ID bigint, Answer double)");
    connection.closeSync();
    instance.closeSync();

    await assert.rejects(openSink(`duckdb:${path}`, context("run")), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /SINK=.*ID BIGINT, Answer DOUBLE.*ID BIGINT, Data BIGINT/);
      return true;
    });
  });

  it("drops its own tables and no others", async () => {
    const path = join(folder.path, "fresh.duckdb");
    const sink = await openSink(`duckdb:${path}`, context("run"));
    await write(sink, [1n]);
    await sink.close();
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run("create table notes as select 42 as answer");
    connection.closeSync();
    instance.closeSync();

    await dropSink(`duckdb:${path}`);

    const tables = await queryDuckDb(path, "select table_name from information_schema.tables");
    assert.deepEqual(tables, [{ table_name: "notes" }]);
  });

  for (const [uri, says] of [
    ["duckdb:", /a file is missing/],
    ["duckdb:x.duckdb?table=", /names no table/],
    ["duckdb:x.duckdb?tabel=x", /unknown parameter tabel/],
  ] as const) {
    it(`refuses ${uri}`, async () => {
      await assert.rejects(openSink(uri, context("run")), says);
    });
  }
});

function context(runId: string): { lateAfterMs: number; runId: string; warn: () => void } {
  return { lateAfterMs: 60_000, runId, warn: () => undefined };
}

async function write(sink: Sink, ids: readonly bigint[], storedAgoMs = 0): Promise<void> {
  const storedAtMs = Date.now() - storedAgoMs * 1_000;
  const part = resultsOf(ids.map((ID) => ({ ID, storedAtMs, processedAtMs: storedAtMs })));
  await sink.write({ parts: [part], rows: part.count }, new AbortController().signal);
}
