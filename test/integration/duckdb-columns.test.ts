import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DuckDb } from "../../services/shared/duckdb.js";
import type { ColumnAppender } from "../../services/shared/duckdb-columns.js";
import type { TextColumn } from "../../services/shared/codec/columns.js";
import { residentMib } from "../support/resident-memory.js";

/** DuckDB's vector size. */
const CHUNK_ROWS = 2_048;
const LONG_BYTES = 2_000;
/** 200 chunks of long texts. */
const LONG_MIB = (200 * CHUNK_ROWS * LONG_BYTES) / 2 ** 20;

function column(texts: readonly string[]): TextColumn {
  const bytes = Buffer.from(texts.join(""));
  const starts = new Uint32Array(texts.length);
  const ends = new Uint32Array(texts.length);
  let at = 0;
  for (const [row, text] of texts.entries()) {
    starts[row] = at;
    at += Buffer.byteLength(text);
    ends[row] = at;
  }
  return { bytes, starts, ends };
}

describe("columns appended one after the other", () => {
  let db: DuckDb;
  before(async () => {
    db = await DuckDb.openInMemory();
  });
  after(() => db.close());

  async function appenderTo(table: string): Promise<ColumnAppender> {
    await db.run(`CREATE TABLE ${table} (id BIGINT, text VARCHAR)`);
    return db.appender(table, ["int64", "text"]);
  }

  it("show nothing of those before: fewer rows, and short texts where long ones were", async () => {
    const appender = await appenderTo("mixed");
    const expected: { id: bigint; text: string }[] = [];
    for (const [round, rows] of [CHUNK_ROWS, 3, CHUNK_ROWS + 5, 1].entries()) {
      const texts = Array.from({ length: rows }, (_, row) =>
        (row + round) % 2 === 0 ? `${String(row)} ${"long ".repeat(10 - round)}` : String(round),
      );
      const ids = BigInt64Array.from({ length: rows }, (_, row) => BigInt(10_000 * round + row));
      for (const [row, text] of texts.entries()) expected.push({ id: ids[row] ?? 0n, text });
      appender.append([ids, column(texts)], rows);
    }
    appender.flush();
    appender.discard();
    assert.deepEqual(await db.rows("SELECT id, text FROM mixed ORDER BY id"), expected);
  });

  it("keep no long text that was appended", async () => {
    const appender = await appenderTo("long_texts");
    const texts = column(Array.from({ length: CHUNK_ROWS }, () => "x".repeat(LONG_BYTES)));
    const ids = new BigInt64Array(CHUNK_ROWS);
    const append = async (chunks: number): Promise<void> => {
      await db.run("BEGIN TRANSACTION");
      for (let chunk = 0; chunk < chunks; chunk += 1) appender.append([ids, texts], CHUNK_ROWS);
      appender.flush();
      await db.run("ROLLBACK");
    };
    await append(20);
    const beforeMib = await residentMib(process.pid);
    for (let round = 0; round < 10; round += 1) await append(20);
    const grownMib = (await residentMib(process.pid)) - beforeMib;
    appender.discard();
    assert.ok(grownMib < LONG_MIB / 2, `${String(grownMib)} MiB of ${String(LONG_MIB)} are still there`);
  });
});
