import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { dropTables, freshTablesOf } from "../../../services/local/fresh-sink.js";
import { tempFolder } from "../../support/temp-folder.js";

describe("--fresh", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const at = (name: string): string => join(folder.path, name);

  /** Runs SQL over a file and gives the tables that it then has. */
  async function tablesOf(path: string, sql = "select 1"): Promise<unknown[]> {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    try {
      await connection.run(sql);
      const rows = await connection.runAndReadAll("select table_name from duckdb_tables() order by all");
      return rows.getRows().flat();
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  it("drops the table of the sink and its totals, and nothing else of the file", async () => {
    const path = at("it's.duckdb");
    const made =
      'create table "my rows"(x int primary key); create table "my rows_totals"(x int); create table results(x int)';
    await tablesOf(path, made);

    await dropTables(freshTablesOf(`duckdb:${path}?table=my rows`));
    assert.deepEqual(await tablesOf(path), ["results"]);
    await dropTables(freshTablesOf(`duckdb:${path}`));
    assert.deepEqual(await tablesOf(path), []);
  });

  it("makes no file where there is none", async () => {
    await dropTables(freshTablesOf(`duckdb:${at("absent.duckdb")}`));

    assert.equal(existsSync(at("absent.duckdb")), false);
  });

  it("is refused for sinks whose rows are not ours to drop", () => {
    assert.throws(() => freshTablesOf("bigquery:p/d/t?mode=stream"), {
      name: "UserError",
      message: /^SINK="bigquery:p\/d\/t\?mode=stream": --fresh drops rows of a duckdb: sink only/,
    });
  });

  it("says that a file is no database, in one sentence", async () => {
    writeFileSync(at("text.duckdb"), "only text, but enough of it to have a header\n".repeat(200));

    await assert.rejects(dropTables(freshTablesOf(`duckdb:${at("text.duckdb")}`)), (error: Error) => {
      assert.equal(error.name, "UserError");
      assert.match(
        error.message,
        /^SINK="duckdb:.*text\.duckdb": --fresh cannot drop its rows: .*not a valid/,
      );
      assert.equal(error.message.split("\n").length, 1);
      return true;
    });
  });
});
