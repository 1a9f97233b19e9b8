import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const dataSets = fileURLToPath(new URL("../../../node_modules/vega-datasets/data/", import.meta.url));
const emissions = fileURLToPath(new URL("../../../examples/flight-emissions.mjs", import.meta.url));

interface Summary {
  published: number;
  stored: number;
  repeats: number;
  parked: number;
  late: number;
  outstanding: number;
  seconds: number;
  recordsPerSecond: number;
  latencyMs: { p50: number; p99: number };
  sink: string;
}

function summaryOf(lastLine: string): Summary {
  return JSON.parse(lastLine) as Summary;
}

describe("crunch up", () => {
  const folder = tempFolder();
  after(() => folder.remove());

  it("stores every record of a synthetic source and reports it as JSON", async () => {
    const run = await runCrunch(
      [
        "up",
        "--source",
        "synthetic:?count=100000",
        "--sink",
        "duckdb:one.duckdb",
        "--engines",
        "2",
        "--json",
      ],
      { cwd: folder.path },
    );

    assert.equal(run.code, 0, run.stderr);
    const summary = summaryOf(run.lastLine);
    assert.deepEqual(Object.keys(summary), [
      "published",
      "stored",
      "repeats",
      "parked",
      "late",
      "outstanding",
      "seconds",
      "recordsPerSecond",
      "latencyMs",
      "sink",
    ]);
    const { published, stored, repeats, parked, outstanding } = summary;
    assert.deepEqual(
      { published, stored, repeats, parked, outstanding },
      { published: 100_000, stored: 100_000, repeats: 0, parked: 0, outstanding: 0 },
    );
    assert.ok(summary.latencyMs.p50 > 0 && summary.latencyMs.p99 >= summary.latencyMs.p50);
    const [row] = await queryDuckDb(
      join(folder.path, "one.duckdb"),
      "select count(*) n, count(distinct ID) ids from results",
    );
    assert.deepEqual(row, { n: 100_000n, ids: 100_000n });
  });

  it("counts the same records crunched again as repeats", async () => {
    const run = await runCrunch(
      [
        "up",
        "--source",
        "synthetic:?count=100000",
        "--sink",
        "duckdb:one.duckdb",
        "--engines",
        "2",
        "--json",
      ],
      { cwd: folder.path },
    );

    assert.equal(run.code, 0, run.stderr);
    const { stored, repeats } = summaryOf(run.lastLine);
    assert.deepEqual({ stored, repeats }, { stored: 0, repeats: 100_000 });
  });

  it("starts over with --fresh", async () => {
    const args = [
      "up",
      "--source",
      "synthetic:?count=5000",
      "--sink",
      "duckdb:one.duckdb",
      "--json",
      "--fresh",
    ];
    const run = await runCrunch(args, { cwd: folder.path });

    assert.equal(run.code, 0, run.stderr);
    assert.equal(summaryOf(run.lastLine).stored, 5_000);
    const [row] = await queryDuckDb(join(folder.path, "one.duckdb"), "select count(*) n from results");
    assert.deepEqual(row, { n: 5_000n });
  });

  it("lets no row wait for others when all that is published was crunched", async () => {
    const run = await runCrunch(["up", "--source", "synthetic:?count=1000", "--json"], {
      cwd: folder.path,
      env: {
        SINK: "duckdb:prompt.duckdb",
        BATCH_MAX_WAIT_MS: "600000",
        RESEND_AFTER_MS: "3600000",
      },
    });

    assert.equal(run.code, 0, run.stderr);
    assert.equal(summaryOf(run.lastLine).stored, 1_000);
  });

  it("crunches a CSV with SQL expressions as columns and a cruncher of the user's own", async () => {
    const csv = join(dataSets, "weather.csv");
    const lines = readFileSync(csv, "utf8").trimEnd().split("\n").length - 1;
    const source = `file:${csv}?data=round(temp_max*10)::BIGINT&meta=location || ' ' || weather`;
    const run = await runCrunch(
      ["up", "--source", source, "--cruncher", emissions, "--sink", "duckdb:weather.duckdb", "--json"],
      { cwd: folder.path },
    );

    assert.equal(run.code, 0, run.stderr);
    assert.equal(summaryOf(run.lastLine).stored, lines);
    const [row] = await queryDuckDb(
      join(folder.path, "weather.duckdb"),
      "select count(distinct ID) ids, count(*) filter (Meta like 'Seattle %') seattle from results",
    );
    assert.equal(row?.ids, BigInt(lines));
    assert.ok(Number(row.seattle) > 1_000);
  });

  it("parks bad rows and records that make the cruncher throw, and stores the rest", async () => {
    writeFileSync(join(folder.path, "bad.csv"), "n,v\n1,10\n2,oops\n3,-7\n4,1.5\n5,27\n");
    const source = "file:bad.csv?id=n&data=v";
    const run = await runCrunch(
      ["up", "--source", source, "--cruncher", "collatz", "--sink", "duckdb:bad.duckdb", "--json"],
      { cwd: folder.path },
    );

    assert.equal(run.code, 0, run.stderr);
    const { published, stored, parked, outstanding } = summaryOf(run.lastLine);
    assert.deepEqual(
      { published, stored, parked, outstanding },
      { published: 5, stored: 2, parked: 3, outstanding: 0 },
    );
    const rows = await queryDuckDb(
      join(folder.path, "bad.duckdb"),
      "select ID, RData from results order by ID",
    );
    assert.deepEqual(rows, [
      { ID: 1n, RData: 6n },
      { ID: 5n, RData: 111n },
    ]);
  });

  it("drains an endless source on SIGINT and accounts for every record", async () => {
    const up = new CrunchProcess(
      ["up", "--source", "synthetic:?rate=5000", "--sink", "duckdb:endless.duckdb", "--json"],
      {},
      folder.path,
    );
    await until(() => / [1-9][0-9,]* stored/.test(up.stderr) || up.ended, 30_000, "stored rows");
    up.kill("SIGINT");
    const { code } = await up.exited;

    assert.equal(code, 0, up.stderr);
    const summary = summaryOf(up.stdout.trimEnd().split("\n").at(-1) ?? "");
    assert.ok(summary.published > 0);
    assert.equal(summary.stored, summary.published);
    assert.equal(summary.outstanding, 0);
  });

  it("continues an unfinished run after it was killed", async () => {
    const args = [
      "up",
      "--source",
      "synthetic:?count=60000&rate=6000",
      "--sink",
      "duckdb:resume.duckdb",
      "--json",
    ];
    const first = new CrunchProcess(args, {}, folder.path);
    await until(() => / [1-9][0-9,]* stored/.test(first.stderr) || first.ended, 30_000, "stored rows");
    assert.equal(first.ended, false, "the run was over before it could be killed");
    first.kill("SIGKILL");
    await first.exited;

    const second = await runCrunch(args, { cwd: folder.path });

    assert.equal(second.code, 0, second.stderr);
    const { published, stored, repeats, outstanding } = summaryOf(second.lastLine);
    assert.deepEqual(
      { published, stored, repeats, outstanding },
      { published: 60_000, stored: 60_000, repeats: 0, outstanding: 0 },
    );
  });
});
