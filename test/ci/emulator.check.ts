/**
 * The BigQuery sink against an emulator that others made, which has Google's own SQL parser: tables, rows by
 * every mode that it knows, and the statements of `crunch schema`. docs/bigquery.md lists what it lacks.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { BigQueryEmulator, EMULATOR_VERSION, emulatorBinary } from "../support/bigquery-emulator.js";
import type { PlainResult } from "../support/bigquery-fixture.js";
import { resultColumns } from "../support/bigquery-fixture.js";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";

/** More rows than fit into one request. */
const ROWS = 2_500;
const INT64_EDGES = [2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, -1n, 0n];
const METAS = ["", 'quote " \\ line\n', "{{projectId}}", "👩‍👩‍👧 é", "'; --"];

const found = emulatorBinary();
if ("problem" in found) {
  process.stdout.write(`skipped: ${found.problem}\n`);
  process.exit(0);
}
const folder = tempFolder();
const emulator = await BigQueryEmulator.start(found.path);
/**
 * Not a whole millisecond, and within the days that a partitioned table takes. Asked for only now: to build the
 * emulator takes minutes, after which rows would be late.
 */
const NOW_US = BigInt(Date.now()) * 1_000n + 7n;
/** Every mode that the emulator serves, with what its URI needs. */
const MODES: Readonly<Record<string, string>> = {
  stream: "mode=stream",
  load: `mode=load&spool=${join(folder.path, "spool")}`,
  write: `mode=write&write-endpoint=${emulator.writeUrl}`,
};
let passed = 0;

async function check(name: string, run: () => Promise<void>): Promise<void> {
  await run();
  passed++;
  process.stdout.write(`${name}\n`);
}

async function write(sink: string, parts: readonly (readonly PlainResult[])[]): Promise<number> {
  const context = { lateAfterMs: 60_000, runId: "check", warn: () => undefined };
  const opened = await openSink(sink, { ...context, bigQueryEndpoint: emulator.url });
  try {
    const rows = parts.reduce((sum, part) => sum + part.length, 0);
    const batch = { parts: parts.map(resultColumns), rows };
    const { stored, rejected } = await opened.write(batch, AbortSignal.timeout(60_000));
    assert.deepEqual(rejected, []);
    return stored;
  } finally {
    await opened.close();
  }
}

async function schema(...args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  const endpoint = ["--bigquery-api-endpoint", emulator.url];
  const { code, stdout, stderr } = await runCrunch(["schema", ...args, ...endpoint], { cwd: folder.path });
  assert.equal(stderr, "");
  return { code, stdout };
}

async function checkMode(mode: string, params: string): Promise<void> {
  const sink = `bigquery:p/crunch/${mode}?${params}`;
  const edges = INT64_EDGES.map((edge, index) => ({
    id: edge,
    data: edge,
    meta: METAS[index] ?? "",
    dTimeUs: NOW_US + BigInt(index),
    rData: edge,
    processTimeUs: NOW_US - BigInt(index),
  }));
  const many = Array.from({ length: ROWS }, (_, index) => ({ id: BigInt(index + 1), dTimeUs: NOW_US }));
  assert.equal(await write(sink, [edges, many]), edges.length + many.length);

  const ids = INT64_EDGES.join(", ");
  const rows = await emulator.rows(
    `SELECT ID, Data, Meta, UNIX_MICROS(DTimeStamp) AS dTimeUs, RData, UNIX_MICROS(ProcessTime) AS processTimeUs, Late ` +
      `FROM crunch.${mode} WHERE ID IN (${ids}) ORDER BY DTimeStamp`,
  );
  assert.deepEqual(
    rows,
    edges.map(({ id, data, meta, dTimeUs, rData, processTimeUs }) => ({
      ID: String(id),
      Data: String(data),
      Meta: meta,
      dTimeUs: String(dTimeUs),
      RData: String(rData),
      processTimeUs: String(processTimeUs),
      Late: "false",
    })),
  );

  const again = { id: 7n, data: 70n, dTimeUs: NOW_US + 1n, processTimeUs: NOW_US + 1_000_000n };
  await write(sink, [[again, { ...again, data: 69n, processTimeUs: NOW_US }]]);
  const [counts] = await emulator.rows(
    `SELECT count(*) AS viewRows, count(DISTINCT ID) AS ids, max(IF(ID = 7, Data, 0)) AS data FROM crunch.${mode}_view`,
  );
  const all = String(edges.length + many.length);
  assert.deepEqual(counts, { viewRows: all, ids: all, data: "70" });
}

/** The parser is Google's, so that a misspelt clause is found; what it says the emulator mostly forgets. */
async function checkStatements(): Promise<void> {
  const sink = "bigquery:p/by_ddl/results?partition=month&cluster=ID,Meta&location=EU";
  const { stdout } = await schema("show", "--json", "--sink", sink);
  const { ddl } = JSON.parse(stdout) as { ddl: readonly string[] };
  // The emulator takes CREATE SCHEMA and makes nothing.
  await emulator.client.createDataset("by_ddl");
  for (const statement of ddl) await emulator.rows(statement);
  for (const [what, wrong] of [
    ["PARTITION BY", "PARTITIONED BY"],
    ["CLUSTER BY", "CLUSTER"],
    ["NOT ENFORCED", "UNENFORCED"],
    ["OPTIONS (", "OPTIONS ["],
  ] as const) {
    const broken = (ddl[1] ?? "").replace(what, wrong).replace("by_ddl.results", "by_ddl.broken");
    await assert.rejects(emulator.rows(broken), /syntax error/i, wrong);
  }

  const diff = await schema("diff", "--json", "--sink", sink);
  const { differences } = JSON.parse(diff.stdout) as { differences: readonly { problem: string }[] };
  assert.deepEqual(
    differences.filter(({ problem }) => problem.startsWith("column ")),
    [],
  );
  await write(sink, [[{ id: 2n ** 53n + 1n, meta: "by DDL", dTimeUs: NOW_US }]]);
  assert.deepEqual(await emulator.rows("SELECT ID, Meta FROM by_ddl.results_view"), [
    { ID: String(2n ** 53n + 1n), Meta: "by DDL" },
  ]);
}

async function checkApply(): Promise<void> {
  const sink = "bigquery:p/crunch/short";
  const shown = await schema("show", "--format", "json", "--sink", sink);
  const fields = (JSON.parse(shown.stdout) as { name: string }[]).filter(({ name }) => name !== "Late");
  await emulator.client.dataset("crunch").createTable("short", {
    schema: { fields },
    timePartitioning: { type: "DAY", field: "DTimeStamp" },
    clustering: { fields: ["ID"] },
  });

  const applied = await schema("apply", "--sink", sink);

  assert.equal(applied.code, 0, applied.stdout);
  assert.match(applied.stdout, /^added column Late BOOLEAN, NULL in the rows before\nmade view short_view\n/);
  assert.equal((await schema("diff", "--sink", sink)).code, 0);
}

try {
  for (const [mode, params] of Object.entries(MODES)) {
    await check(`mode ${mode} stores ${String(ROWS)} rows, each value exact`, () => checkMode(mode, params));
  }
  await check("nothing differs in the tables that the modes made", async () => {
    for (const [mode, params] of Object.entries(MODES)) {
      const { code, stdout } = await schema("diff", "--sink", `bigquery:p/crunch/${mode}?${params}`);
      assert.equal(code, 0, stdout);
    }
  });
  await check("the statements of `crunch schema show` make tables that rows go into", checkStatements);
  await check("`crunch schema apply` adds a missing column and the view", checkApply);
  process.stdout.write(`${String(passed)} passed, 0 failed, with bigquery-emulator ${EMULATOR_VERSION}\n`);
} finally {
  await emulator.stop();
  folder.remove();
}
