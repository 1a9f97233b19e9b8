import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { runCrunch } from "../support/engine-process.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { tempFolder } from "../support/temp-folder.js";

const EDGES = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n, -1n];
const METAS = ["", "x".repeat(100_000), "emoji 👩‍👩‍👧 {{projectId}}", 'nul \0 quote " backslash \\ line\n', "0"];

describe("values from a file", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const lines = EDGES.map(
    (value, index) => `{"k":${String(value)},"v":${String(value)},"m":${JSON.stringify(METAS[index])}}`,
  );
  writeFileSync(join(folder.path, "edges.ndjson"), lines.join("\n") + "\n");
  const source = "file:edges.ndjson?id=k&data=v&meta=m";

  it("arrive byte for byte in DuckDB", async () => {
    const run = await runCrunch(
      ["up", "--source", source, "--cruncher", "identity", "--sink", "duckdb:edges.duckdb", "--json"],
      { cwd: folder.path },
    );

    assert.equal(run.code, 0, run.stderr);
    const rows = await queryDuckDb(
      join(folder.path, "edges.duckdb"),
      "select ID, Data, Meta, RData from results",
    );
    assertEdges(rows.map((row) => [row.ID, row.Data, row.Meta, row.RData]));
  });

  for (const mode of ["stream", "write", "upsert"]) {
    it(`arrive byte for byte in BigQuery by mode=${mode}`, async () => {
      const fake = await FakeBigQuery.start({ writePort: 0 });
      const where = mode === "stream" ? "" : `&write-endpoint=${fake.write.url}`;
      const sink = `bigquery:p/d/t?mode=${mode}${where}`;
      const run = await runCrunch(
        ["up", "--source", source, "--cruncher", "identity", "--sink", sink, "--json"],
        { cwd: folder.path, env: { BIGQUERY_API_ENDPOINT: fake.url } },
      );
      const rows = mode === "upsert" ? fake.rows("d", "t") : fake.viewRows("d", "t");
      await fake.close();

      assert.equal(run.code, 0, run.stderr);
      assertEdges(
        rows.map((row) => [
          BigInt(row.ID as string),
          BigInt(row.Data as string),
          row.Meta,
          BigInt(row.RData as string),
        ]),
      );
    });
  }
});

function assertEdges(rows: unknown[][]): void {
  const expected = EDGES.map((value, index) => [value, value, METAS[index], value]);
  const byId = (a: unknown[], b: unknown[]): number => ((a[0] as bigint) < (b[0] as bigint) ? -1 : 1);
  assert.deepEqual(rows.sort(byId), expected.sort(byId));
}
