/** `crunch schema` against a BigQuery of our own and real DuckDB files. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, describe, it } from "node:test";
import type { Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { numbered, resultColumns } from "../support/bigquery-fixture.js";
import { queryDuckDb, runDuckDb } from "../support/duckdb-rows.js";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";

interface Differences {
  readonly equal: boolean;
  readonly differences: readonly { readonly problem: string; readonly additive: boolean }[];
  readonly notes: readonly string[];
}

const folder = tempFolder();
after(() => folder.remove());

const schema = async (...args: readonly string[]): Promise<{ code: number | null; text: string }> => {
  const { code, stdout, stderr } = await runCrunch(["schema", ...args], { cwd: folder.path });
  return { code, text: `${stdout}${stderr}` };
};

async function diff(
  sink: string,
  ...more: readonly string[]
): Promise<{ code: number | null } & Differences> {
  const { code, text } = await schema("diff", "--json", "--sink", sink, ...more);
  return { code, ...(JSON.parse(text) as Differences) };
}

const problems = ({ differences }: Differences): string[] => differences.map(({ problem }) => problem);
const fieldsOf = (table: Json | undefined): Json[] => (table?.schema as { fields: Json[] }).fields;

describe("crunch schema on BigQuery", () => {
  const start = async (t: TestContext): Promise<{ fake: FakeBigQuery; sink: string; tell: string[] }> => {
    const fake = await FakeBigQuery.start();
    t.after(() => fake.close());
    const sink = "bigquery:p/d/t";
    return { fake, sink, tell: ["--bigquery-api-endpoint", fake.url] };
  };

  it("shows statements and columns without asking anybody", async () => {
    const sink = "bigquery:p/d/t?partition=month&cluster=ID,Meta&location=EU&endpoint=http://127.0.0.1:1";

    const ddl = await schema("show", "--sink", sink);
    const columns = await schema("show", "--format", "json", "--sink", sink);

    assert.deepEqual([ddl.code, columns.code], [0, 0]);
    assert.match(ddl.text, /^CREATE SCHEMA IF NOT EXISTS `p\.d`\nOPTIONS \(location = "EU"\);$/m);
    assert.match(ddl.text, /^CREATE TABLE IF NOT EXISTS `p\.d\.t` \(\n {2}`ID` INT64 NOT NULL,$/m);
    assert.match(ddl.text, /^PARTITION BY TIMESTAMP_TRUNC\(`DTimeStamp`, MONTH\)\nCLUSTER BY `ID`, `Meta`$/m);
    assert.match(ddl.text, /^CREATE VIEW IF NOT EXISTS `p\.d\.t_view`/m);
    const whole = await schema("show", "--sink", "bigquery:p/d/t?partition=none&cluster=none");
    assert.doesNotMatch(whole.text, /PARTITION BY T|CLUSTER BY/);
    assert.deepEqual((JSON.parse(columns.text) as Json[])[3], {
      name: "DTimeStamp",
      type: "TIMESTAMP",
      mode: "REQUIRED",
    });
  });

  it("tells all that is missing, makes it, and then nothing differs", async (t) => {
    const { fake, sink, tell } = await start(t);

    const before = await diff(sink, ...tell);
    const applied = await schema("apply", "--sink", sink, ...tell);
    const afterwards = await diff(sink, ...tell);

    assert.deepEqual([before.code, before.equal], [1, false]);
    assert.deepEqual(problems(before), [
      "dataset p.d is missing",
      "table p.d.t is missing",
      "view t_view is missing",
    ]);
    assert.equal(applied.code, 0, applied.text);
    assert.match(applied.text, /^made dataset p\.d\nmade table p\.d\.t\nmade view t_view\nnote: /);
    assert.deepEqual([afterwards.code, afterwards.equal], [0, true]);
    assert.deepEqual(fake.resource("d", "t")?.timePartitioning, { type: "DAY", field: "DTimeStamp" });
    assert.deepEqual(fake.resource("d", "t")?.clustering, { fields: ["ID"] });
  });

  it("finds nothing to differ in what a sink made", async (t) => {
    const { fake, sink, tell } = await start(t);
    const context = { lateAfterMs: 1_000, runId: "run", warn: () => undefined };
    const opened = await openSink(sink, { ...context, bigQueryEndpoint: fake.url });
    await opened.close();

    const { code, notes } = await diff(sink, ...tell);

    assert.equal(code, 0);
    assert.deepEqual(notes, [`BigQuery is ${fake.url}, asked without credentials`]);
  });

  it("adds missing columns that may be NULL, and leaves the rest as it is", async (t) => {
    const { fake, sink, tell } = await start(t);
    await schema("apply", "--sink", sink, ...tell);
    const [first, ...others] = fieldsOf(fake.resource("d", "t"));
    const kept = [{ ...first, mode: "NULLABLE" }, ...others.filter(({ name }) => name !== "Late")];
    const own = { name: "Own", type: "STRING" };
    fake.define("d", "t", { schema: { fields: [...kept, own] } });

    const before = await schema("diff", "--sink", sink, ...tell);
    const applied = await schema("apply", "--json", "--sink", sink, ...tell);

    assert.equal(before.code, 1);
    assert.match(before.text, /^column Late BOOLEAN is missing: apply adds it\nnote: /);
    assert.match(before.text, /^note: column Own STRING is no column of ours and stays NULL$/m);
    assert.deepEqual((JSON.parse(applied.text) as Json).changes, [
      "added column Late BOOLEAN, NULL in the rows before",
    ]);
    const late = { name: "Late", type: "BOOLEAN", mode: "NULLABLE" };
    assert.deepEqual(fieldsOf(fake.resource("d", "t")), [...kept, own, late]);
    assert.equal((await diff(sink, ...tell)).code, 0);
  });

  it("changes nothing where anything must not be touched, and says why", async (t) => {
    const { fake, sink, tell } = await start(t);
    await schema("apply", "--sink", sink, ...tell);
    const fields = fieldsOf(fake.resource("d", "t"))
      .filter(({ name }) => name !== "Late")
      .map((field) => (field.name === "Data" ? { ...field, type: "FLOAT64" } : field))
      .map((field) => (field.name === "Meta" ? { ...field, mode: "REPEATED" } : field));
    fake.define("d", "t", {
      schema: { fields: [...fields, { name: "Must", type: "STRING", mode: "REQUIRED" }] },
      timePartitioning: { type: "MONTH" },
      clustering: { fields: ["Meta"] },
    });
    fake.define("d", "t_view", { view: { query: "SELECT 1" } });
    const table = fake.resource("d", "t");

    const found = await schema("diff", "--sink", sink, ...tell);
    const applied = await schema("apply", "--sink", sink, ...tell);

    assert.deepEqual([found.code, applied.code], [1, 1]);
    const refused = applied.text.split("\n").filter((line) => line.startsWith("refused: "));
    assert.match(refused[0] ?? "", /column Data is FLOAT, where INTEGER is needed: a column keeps its type/);
    assert.match(refused[1] ?? "", /column Meta is REPEATED STRING, where STRING is needed/);
    assert.match(refused[2] ?? "", /column Must STRING is REQUIRED and no column of ours: .*DROP NOT NULL/);
    assert.match(
      refused[3] ?? "",
      /cut by month of the time of arrival, where partition=day asks for cut by/,
    );
    assert.match(refused[4] ?? "", /clustered by Meta, where cluster=ID asks for ID/);
    assert.match(refused[5] ?? "", /view t_view has another query/);
    assert.equal(refused.length, 6);
    assert.match(applied.text, /^p\.d\.t in BigQuery: nothing was changed$/m);
    assert.equal(found.text.split("\n").filter((line) => line.includes(": apply ")).length, 7);
    assert.deepEqual(fake.resource("d", "t"), table);
  });

  it("refuses a view of that name; for an address that is none or does not answer it exits with 2", async (t) => {
    const { fake, sink, tell } = await start(t);
    fake.define("d", "t", { view: { query: "SELECT 1" } });

    assert.match(
      (await schema("apply", "--sink", sink, ...tell)).text,
      /p\.d\.t is a VIEW, where a table is/,
    );
    await fake.close();
    const answers = [
      await schema("diff", "--sink", `${sink}?endpoint=http://127.0.0.1:1`),
      await schema("diff", "--sink", "bigquery:p/d"),
      await schema("show", "--format", "xml"),
    ];
    assert.deepEqual(
      answers.map(({ code }) => code),
      [2, 2, 2],
    );
    assert.match(answers[0]?.text ?? "", /^SINK: BigQuery at http:\/\/127\.0\.0\.1:1 does not let us read/);
    assert.match(answers[2]?.text ?? "", /^--format="xml": must be one of ddl, json\n$/);
  });
});

describe("crunch schema on DuckDB", () => {
  it("makes what is missing, and a sink that opens it finds it fit", async () => {
    const sink = "duckdb:new.duckdb";

    const before = await diff(sink);
    assert.equal(existsSync(join(folder.path, "new.duckdb")), false);
    const applied = await schema("apply", "--sink", sink);
    const afterwards = await diff(sink);

    assert.deepEqual(
      [before.code, problems(before)],
      [
        1,
        [
          "table results is missing",
          "table results_totals is missing",
          "table results_repeat_messages is missing",
        ],
      ],
    );
    assert.equal(applied.code, 0, applied.text);
    assert.deepEqual([afterwards.code, afterwards.equal], [0, true]);
  });

  it("shows statements that DuckDB takes", async () => {
    const { text } = await schema("show", "--sink", "duckdb:shown.duckdb?table=my results");
    await runDuckDb(join(folder.path, "shown.duckdb"), text);

    assert.equal((await diff("duckdb:shown.duckdb?table=my results")).code, 0);
  });

  it("adds a missing last column to a table with rows, which the sink goes on filling", async () => {
    const path = join(folder.path, "short.duckdb");
    const context = { lateAfterMs: 1_000, runId: "run", warn: () => undefined };
    const write = async (count: number): Promise<void> => {
      const sink = await openSink(`duckdb:${path}`, context);
      const results = numbered(count).slice(-1);
      await sink.write({ parts: [resultColumns(results)], rows: 1 }, new AbortController().signal);
      await sink.close();
    };
    await write(1);
    await runDuckDb(path, `ALTER TABLE results DROP COLUMN "Late"`);

    const before = await schema("diff", "--sink", "duckdb:short.duckdb");
    const applied = await schema("apply", "--sink", "duckdb:short.duckdb");
    await write(2);

    assert.deepEqual([before.code, before.text], [1, "column Late BOOLEAN is missing: apply adds it\n"]);
    assert.deepEqual(
      [applied.code, applied.text],
      [0, "added column Late BOOLEAN, NULL in the rows before\n"],
    );
    assert.deepEqual(await queryDuckDb(path, "SELECT ID, Late FROM results ORDER BY ID"), [
      { ID: 1n, Late: null },
      { ID: 2n, Late: true },
    ]);
    assert.equal((await diff("duckdb:short.duckdb")).code, 0);
  });

  it("refuses columns in another order, of another type, or of somebody else, and other keys", async () => {
    const path = join(folder.path, "other.duckdb");
    const [made = ""] = (await schema("show", "--sink", "duckdb:other.duckdb")).text.split(";");
    const other = made.replace(`"Data" BIGINT NOT NULL`, `"Data" DOUBLE`).replace(/\)$/, `, "Own" VARCHAR)`);
    const keyed = made.replace(`"results"`, `"keyed"`).replace(/\)$/, `, UNIQUE ("Data"))`);
    await runDuckDb(path, `${other};${keyed};CREATE VIEW seen AS SELECT 1`);

    const refused = await schema("apply", "--sink", "duckdb:other.duckdb");
    const keys = await schema("apply", "--sink", "duckdb:other.duckdb?table=keyed");
    const view = await schema("apply", "--sink", "duckdb:other.duckdb?table=seen");

    assert.deepEqual([refused.code, keys.code, view.code], [1, 1, 1]);
    assert.match(refused.text, /^refused: column 2 is Data DOUBLE, where Data BIGINT is needed: /m);
    assert.match(refused.text, /^refused: column Own VARCHAR is no column of ours: /m);
    assert.match(keys.text, /^refused: the table has UNIQUE/);
    assert.match(view.text, /^refused: seen is a view, where a table is needed/);
    const tables = await queryDuckDb(path, "SELECT count(*) AS tables FROM duckdb_tables()");
    assert.deepEqual(tables, [{ tables: 2n }]);
  });
});
