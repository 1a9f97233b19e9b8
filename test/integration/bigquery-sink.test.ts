import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { sinkContract } from "../contract/sink-contract.js";
import type { PlainResult } from "../support/bigquery-fixture.js";
import { STORED_AT_US, numbered, openFixture, resultColumns } from "../support/bigquery-fixture.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";

const EDGES = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 52n, 0n, -1n];
const METAS = [
  "",
  "x".repeat(100_000),
  "emoji 👩‍👩‍👧 {{projectId}}",
  'nul \0 quote " backslash \\ line\n',
  "\u2028 é \u007f",
  '{"a":1}',
  "0",
];

describe("the BigQuery sink", () => {
  it("makes the dataset, the table and the view that shows each ID once", async (t) => {
    const { fake, sink } = await openFixture(t, { uri: "bigquery:p/d/t?mode=stream&location=EU" });

    assert.equal(fake.dataset("d")?.location, "EU");
    const table = fake.resource("d", "t");
    assert.deepEqual(
      (table?.schema as { fields: { name: string; type: string }[] }).fields.map(
        ({ name, type }) => `${name} ${type}`,
      ),
      [
        "ID INTEGER",
        "Data INTEGER",
        "Meta STRING",
        "DTimeStamp TIMESTAMP",
        "RData INTEGER",
        "ProcessTime TIMESTAMP",
        "RTimeStamp TIMESTAMP",
        "Late BOOLEAN",
      ],
    );
    assert.deepEqual(table?.timePartitioning, { type: "DAY", field: "DTimeStamp" });
    assert.deepEqual(table.clustering, { fields: ["ID"] });
    assert.deepEqual(table.tableConstraints, { primaryKey: { columns: ["ID"] } });
    const view = fake.resource("d", "t_view")?.view as { query: string; useLegacySql: boolean };
    assert.equal(view.useLegacySql, false);
    assert.match(view.query, /`p\.d\.t`.*PARTITION BY ID ORDER BY ProcessTime DESC/s);
    assert.equal(sink.description, "p.d.t in BigQuery");
    assert.deepEqual(sink.state(), { ok: true, detail: "rows go in" });
  });

  it("leaves the partitions out when told so and then takes any instant", async (t) => {
    const { fake, write } = await openFixture(t, { uri: "bigquery:p/d/t?partition=none" });

    const outcome = await write([
      { id: 1n, dTimeUs: 0n },
      { id: 2n, dTimeUs: -(2n ** 53n) - 1n },
    ]);

    assert.equal(fake.resource("d", "t")?.timePartitioning, undefined);
    assert.deepEqual([outcome.stored, outcome.late], [2, 2]);
  });

  it("is content when another engine makes dataset, table and view at the same time", async (t) => {
    const fake = await FakeBigQuery.start();
    t.after(() => fake.close());
    fake.define("d", "t_view", { view: {} });
    const faster = { status: 409, reason: "duplicate" };
    fake.fail(
      { on: { method: "GET", path: /tables\/t$/ }, status: 404, reason: "notFound" },
      { on: { method: "GET", path: /datasets\/d$/ }, status: 404, reason: "notFound" },
      { on: { method: "GET", path: /t_view$/ }, status: 404, reason: "notFound" },
      { on: { method: "POST", path: /^datasets/ }, ...faster, times: 3 },
    );

    await openFixture(t, { endpoint: fake.url });

    assert.deepEqual(
      fake.requests.filter(({ method }) => method === "POST").map(({ path }) => path),
      ["datasets", "datasets/d/tables", "datasets/d/tables"],
    );
  });

  it("keeps every value byte for byte", async (t) => {
    const { rows, write } = await openFixture(t);
    const results = EDGES.map((value, index) => ({
      id: value,
      data: value,
      meta: METAS[index] ?? "",
      rData: -value === 2n ** 63n ? value : -value,
      processTimeUs: [-62_135_596_800_000_000n, 253_402_300_799_999_999n, -1n][index] ?? STORED_AT_US,
    }));

    const outcome = await write(results);

    assert.equal(outcome.stored, results.length);
    assert.deepEqual(
      rows().map((row) => [row.ID, row.Data, row.Meta, row.RData]),
      results.map((result) => [String(result.id), String(result.data), result.meta, String(result.rData)]),
    );
    assert.deepEqual(
      rows()
        .map((row) => row.ProcessTime)
        .slice(0, 4),
      [
        "0001-01-01T00:00:00.000000Z",
        "9999-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-01-02T03:04:05.123456Z",
      ],
    );
  });

  it("gzips bodies when told, the same bytes at each try", async (t) => {
    const { fake, rows, write } = await openFixture(t, { compresses: true });
    fake.fail({ status: 503 });

    await write(numbered(500));

    assert.equal(rows().length, 500);
    const [first, second] = fake.requests.filter(({ path }) => path.endsWith("insertAll"));
    assert.equal(first?.headers["content-encoding"], "gzip");
    assert.ok(Number(first.headers["content-length"]) < first.body.length / 5);
    assert.deepEqual(second?.body, first.body);
    assert.equal(second.headers["content-length"], first.headers["content-length"]);
  });

  it("adds when the row was written and whether that was late", async (t) => {
    const { rows, write } = await openFixture(t);
    const nowUs = BigInt(Date.UTC(2026, 0, 2, 3, 4, 5, 678)) * 1000n;

    const outcome = await write([
      { id: 1n, dTimeUs: nowUs - 1_000_000n },
      { id: 2n, dTimeUs: nowUs - 1_000_001n },
    ]);

    assert.deepEqual(
      rows().map((row) => [row.RTimeStamp, row.Late]),
      [
        ["2026-01-02T03:04:05.678000Z", false],
        ["2026-01-02T03:04:05.678000Z", true],
      ],
    );
    assert.equal(outcome.late, 1);
  });

  it("names rejected rows by their part and row", async (t) => {
    const { sink, write } = await openFixture(t);
    const outOfWindow = { id: 9n, dTimeUs: BigInt(Date.UTC(2015, 11, 31)) * 1000n };
    const ahead = { id: 10n, dTimeUs: BigInt(Date.UTC(2027, 0, 3)) * 1000n };
    assert.equal((await write(numbered(1))).stored, 1);

    const outcome = await sink.write(
      {
        parts: [resultColumns([]), resultColumns([...numbered(2), outOfWindow]), resultColumns([ahead])],
        rows: 4,
      },
      new AbortController().signal,
    );

    assert.equal(outcome.stored, 2);
    assert.deepEqual(
      outcome.rejected.map(({ part, row }) => [part, row]),
      [
        [1, 2],
        [2, 0],
      ],
    );
    assert.match(outcome.rejected[0]?.reason ?? "", /DTimeStamp 2015-12-31T00:00:00.000Z .* 10 years back/);
  });

  it("leaves nothing behind on the engine's signal", async (t) => {
    const { write } = await openFixture(t);
    const { signal } = new AbortController();

    await write(numbered(3), signal);

    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  it("shows a row once whose reply was lost after the commit", async (t) => {
    for (const remembersInsertIds of [true, false]) {
      const { fake, rows, viewRows, write } = await openFixture(t, { remembersInsertIds });
      fake.fail({ commitThenDrop: true });

      const outcome = await write(numbered(3));

      assert.equal(outcome.stored, 3);
      assert.equal(rows().length, remembersInsertIds ? 3 : 6);
      assert.equal(viewRows().length, 3);
    }
  });

  it("stores a redelivered row once and one that was published again twice", async (t) => {
    const { rows, viewRows, write } = await openFixture(t);
    const first: PlainResult = { id: 7n, rData: 1n };
    const again: PlainResult = {
      id: 7n,
      rData: 2n,
      dTimeUs: STORED_AT_US + 5n,
      processTimeUs: STORED_AT_US + 9n,
    };

    await write([first]);
    await write([first]);
    await write([again]);

    assert.equal(rows().length, 2);
    assert.deepEqual(
      viewRows().map((row) => row.RData),
      ["2"],
    );
  });
});

sinkContract("BigQuery", async () => {
  const fake = await FakeBigQuery.start();
  return {
    countsRepeats: false,
    open: (lateAfterMs) => {
      const context = { lateAfterMs, runId: "run", warn: () => undefined };
      return openBigQuerySink(parsePluginUri("SINK", "bigquery:p/d/t"), context, { endpoint: fake.url });
    },
    rows: () =>
      Promise.resolve(
        fake.viewRows("d", "t").map((row) => ({
          ID: BigInt(String(row.ID)),
          Data: BigInt(String(row.Data)),
          Meta: String(row.Meta),
          RData: BigInt(String(row.RData)),
          Late: row.Late === true,
        })),
      ),
    remove: () => fake.close(),
  };
});
