/** The fake's rows as Google's own client asks for them. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BigQuery } from "@google-cloud/bigquery";
import { PassThroughClient } from "google-auth-library";
import type { FakeBigQuery } from "../../../services/fake-bigquery/fake-bigquery.js";
import { APPEND_MODES, numbered, openFixture } from "../../support/bigquery-fixture.js";
import { queryDuckDb } from "../../support/duckdb-rows.js";
import { tempFolder } from "../../support/temp-folder.js";

type Rows = Record<string, unknown>[];

async function ask(fake: FakeBigQuery, query: string): Promise<Rows> {
  const client = new BigQuery({
    projectId: "p",
    apiEndpoint: fake.url,
    authClient: new PassThroughClient(),
  });
  const [rows] = (await client.query({ query, wrapIntegers: false })) as unknown as [Rows];
  return rows;
}

const COUNT = "SELECT COUNT(*) AS n, COUNT(DISTINCT ID) AS ids FROM `p.d.t`";
const VIEW = 'SELECT ID, Data, Meta FROM `p`.`d`.`t_view` WHERE Meta != "it\'s" ORDER BY ID';

for (const database of [undefined, true] as const) {
  describe(`the rows of the fake, ${database === undefined ? "of its memory" : "in a database alone"}`, () => {
    it("are asked by SQL, the view too, and those that come later are there", async (t) => {
      const { fake, write } = await openFixture(t, { database, remembersInsertIds: false });
      await write([
        { id: 1n, data: 2n ** 53n - 1n, meta: "a `b` 'c'" },
        { id: 2n, meta: "it's" },
      ]);
      assert.deepEqual(await ask(fake, COUNT), [{ n: 2, ids: 2 }]);

      await write([{ id: 1n, data: -7n, meta: "newer", processTimeUs: 1_800_000_000_000_000n }]);

      assert.deepEqual(await ask(fake, COUNT), [{ n: 3, ids: 2 }]);
      assert.deepEqual(await ask(fake, VIEW), [{ ID: 1, Data: -7, Meta: "newer" }]);
    });

    for (const mode of APPEND_MODES) {
      it(`have changes applied: mode=${mode}`, async (t) => {
        const { fake, write } = await openFixture(t, { database, mode });
        await write(numbered(3));
        await ask(fake, COUNT);

        await write([{ id: 2n, data: 5n, processTimeUs: 1_800_000_000_000_000n }]);
        await write([{ id: 2n, data: 4n, processTimeUs: 1_700_000_000_000_000n }]);

        const [counts] = await ask(fake, COUNT);
        assert.deepEqual(counts, mode === "upsert" ? { n: 3, ids: 3 } : { n: 5, ids: 3 });
        assert.deepEqual(await ask(fake, "SELECT Data FROM `d.t_view` WHERE ID = 2"), [{ Data: 5 }]);
      });
    }

    it("come with their types", async (t) => {
      const { fake, write } = await openFixture(t, { database });
      await write([{ id: 1n, processTimeUs: 1_767_323_045_123_457n }]);

      const [row] = await ask(
        fake,
        "SELECT Late, ProcessTime, CAST(NULL AS STRING) AS none, 0.5 AS half FROM `p.d.t`",
      );

      assert.equal(row?.Late, false);
      assert.equal((row.ProcessTime as { value: string }).value, "2026-01-02T03:04:05.123457000Z");
      assert.deepEqual([row.none, Number(row.half)], [null, 0.5]);
    });
  });
}

describe("the fake's queries", () => {
  it("make views, and say in DuckDB's words what is wrong", async (t) => {
    const { fake, write } = await openFixture(t);
    await write(numbered(2));

    await ask(fake, "CREATE VIEW IF NOT EXISTS `p.d.ids` AS SELECT ID FROM `p.d.t` WHERE ID > 1;");

    assert.deepEqual(await ask(fake, "SELECT * FROM `p.d.ids`"), [{ ID: 2 }]);
    await assert.rejects(ask(fake, "CREATE VIEW `p.d.ids` AS SELECT 1 AS a"), /Already Exists/);
    await assert.rejects(ask(fake, "SELECT Nothing FROM `p.d.t`"), /Nothing/);
  });

  it("leave a file with every row and no change of ours when the fake ends", async (t) => {
    const folder = tempFolder();
    t.after(() => folder.remove());
    const database = join(folder.path, "fake.duckdb");
    const { fake, sink, write } = await openFixture(t, { database, mode: "upsert" });
    await write(numbered(5));
    await write([{ id: 5n, data: 9n, processTimeUs: 1_800_000_000_000_000n }]);
    await sink.close();
    await fake.close();

    assert.ok(existsSync(database));
    const rows = await queryDuckDb(database, "select ID, Data from d.t where ID > 3 order by ID");
    assert.deepEqual(rows, [
      { ID: 4n, Data: 1n },
      { ID: 5n, Data: 9n },
    ]);
  });
});
