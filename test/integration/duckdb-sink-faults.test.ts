/** The DuckDB sink when processes die, disks fill up and files are not what they should be. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { openDuckDbSink } from "../../services/results-engine/sinks/duckdb/duckdb-sink.js";
import { dropSink, openSink } from "../../services/results-engine/sinks/index.js";
import type { Sink } from "../../services/results-engine/sinks/sink.js";
import { UserError } from "../../services/shared/errors.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { WRITER_ROWS, WriterProcess } from "../support/duckdb-writer.js";
import { resultsOf } from "../support/result-columns.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const folder = tempFolder();
after(() => folder.remove());
const pathOf = (name: string): string => join(folder.path, name);

function open(path: string, table = "results"): Promise<Sink> {
  const context = { lateAfterMs: 60_000, runId: "run", warn: () => undefined };
  return openSink(`duckdb:${path}?table=${table}`, context);
}

async function execute(path: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

/** Rows of the table must be those of whole batches, all that were stored among them, and counted so. */
async function assertWholeBatches(path: string, storedBatches: number): Promise<void> {
  const [row] = await queryDuckDb(
    path,
    "select (select count(*) from results) n, (select Stored from results_totals) counted, " +
      "(select Repeats from results_totals) repeats",
  );
  // The first batch is all new, each later one half of it.
  const half = WRITER_ROWS / 2;
  const batches = Number(row?.repeats) / half + 1;
  assert.ok(Number.isInteger(batches), `${batches} batches`);
  assert.ok(batches === storedBatches || batches === storedBatches + 1, `${batches} of ${storedBatches}`);
  assert.equal(Number(row?.n), WRITER_ROWS + (batches - 1) * half);
  assert.equal(row?.counted, row?.n);
}

describe("duckdb: in trouble", () => {
  for (const batches of [1, 2, 7]) {
    it(`keeps whole batches and their totals when it is killed after ${batches}`, async () => {
      const path = pathOf(`killed-${batches}.duckdb`);
      const writer = new WriterProcess(path);
      await until(() => writer.stored >= batches, 30_000, "stored batches");
      await writer.end("SIGKILL");

      await assertWholeBatches(path, writer.stored);
    });
  }

  it("keeps trying while the disk is full, and gives its rows back when the engine stops", async () => {
    const path = pathOf("full.duckdb");
    const writer = new WriterProcess(path, { metaBytes: 1_000, maxFileBytes: 6_000_000 });
    await until(() => writer.lines.some((line) => line.startsWith("warned")), 30_000, "a full disk");
    const { stored } = writer;
    assert.ok(stored > 0);
    await writer.end("SIGTERM");

    const [warned, failed, ...more] = writer.lines.slice(stored);
    assert.match(warned ?? "", /cannot write results in .*full\.duckdb: .*File too large; will try/);
    assert.match(failed ?? "", /cannot write results in .*File too large/);
    assert.deepEqual(more, []);
    await assertWholeBatches(path, stored);
  });

  it("stores a batch once and counts it once when a try failed half way", async () => {
    const path = pathOf("half-way.duckdb");
    const uri = parsePluginUri("SINK", `duckdb:${path}`);
    const warnings: string[] = [];
    let failures = 0;
    const sink = await openDuckDbSink(
      uri,
      { lateAfterMs: 60_000, runId: "run", warn: (_details, message) => warnings.push(message) },
      {
        // Asked for when the rows are staged already.
        nowMs: () => {
          if (failures === 0) return Date.now();
          failures -= 1;
          throw new Error("no clock");
        },
      },
    );
    failures = 2;
    const part = resultsOf([{ ID: 1n }, { ID: 2n }]);
    const outcome = await sink.write({ parts: [part], rows: 2 }, new AbortController().signal);

    assert.deepEqual([outcome.stored, outcome.repeats, outcome.replays], [2, 0, 0]);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? "", /no clock; will try until it can/);
    assert.match(warnings[1] ?? "", /^writes results in .* again$/);
    assert.equal(sink.state().ok, true);
    await sink.close();
    assert.deepEqual(
      await queryDuckDb(path, "select count(*) n, any_value(Stored) counted from results, results_totals"),
      [{ n: 2n, counted: 2n }],
    );
  });

  it("opens its file anew when DuckDB gave it up for lack of room, and keeps what was stored", async () => {
    const path = pathOf("checkpoint.duckdb");
    // Room for the log, which is written into the file at 16 MiB, but not for the file after that.
    const writer = new WriterProcess(path, { metaBytes: 3_000, maxFileBytes: 20_000_000 });
    await until(() => writer.lines.some((line) => line.startsWith("warned")), 60_000, "a full disk");
    const { stored } = writer;
    await writer.end("SIGTERM");

    const [warned = "", failed = "", ...more] = writer.lines.slice(stored);
    assert.match(warned, /Failed to create checkpoint.*File too large.*; will try until it can/);
    // The newest words may be those of the opening; never that the file is given up.
    assert.match(failed, /^failed cannot write results in .*File too large/);
    assert.deepEqual(more, []);
    await assertWholeBatches(path, writer.stored);
  });

  it("names the process that holds the file", async () => {
    const path = pathOf("held.duckdb");
    const writer = new WriterProcess(path);
    await until(() => writer.stored > 0, 30_000, "the first batch");

    await refused(open(path), new RegExp(`held by another process \\(PID ${writer.pid}\\)`));
    await writer.end("SIGKILL");
  });

  it("says in one sentence that a file is no database, a folder, or in no folder", async () => {
    writeFileSync(pathOf("text.duckdb"), "rows ".repeat(10_000));
    mkdirSync(pathOf("folder.duckdb"));

    await refused(open(pathOf("text.duckdb")), /is no DuckDB database$/);
    await refused(open(pathOf("folder.duckdb")), /cannot be opened/);
    await refused(open(pathOf("missing/x.duckdb")), /cannot be opened .*No such file or directory/);
    await refused(dropSink(`duckdb:${pathOf("text.duckdb")}`), /is no DuckDB database$/);
  });

  it("takes a table without a key, or with that of the ID, and refuses other keys and a view", async () => {
    const path = pathOf("keys.duckdb");
    const sink = await open(path);
    await sink.close();
    const columns =
      "Meta varchar, DTimeStamp timestamp, RData bigint, ProcessTime timestamp, RTimeStamp timestamp, Late boolean";
    await execute(
      path,
      "create table keyless as from results",
      `create table keyed (ID bigint primary key, Data bigint, ${columns})`,
      `create table twice (ID bigint primary key, Data bigint unique, ${columns})`,
      "create view looks as from results",
    );

    for (const table of ["keyless", "keyed"]) await (await open(path, table)).close();
    await refused(
      open(path, "twice"),
      /has PRIMARY KEY\(ID\), UNIQUE\("Data"\), where no key, or that of ID/,
    );
    await refused(open(path, "looks"), /looks is a view/);
  });

  it("refuses a table that has an ID twice", async () => {
    const path = pathOf("doubles.duckdb");
    const sink = await open(path);
    await sink.close();
    const row = "7, 1, '', now(), 1, now(), now(), false";
    await execute(path, `insert into results values (${row}), (${row})`);

    await refused(open(path), /the table has an ID twice/);
  });

  it("refuses totals that are none", async () => {
    const path = pathOf("totals.duckdb");
    await execute(path, "create table results_totals (note varchar)");

    await refused(open(path), /"results_totals" is no table of totals/);
  });
});

async function refused(opening: Promise<unknown>, says: RegExp): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /^SINK="duckdb:/);
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}
