import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DuckDb, sqlText } from "../../services/shared/duckdb.js";

/** Each of a kind that DuckDB keeps in its own way: inside the value, behind a pointer, not ASCII, none. */
const TEXTS = [
  "", "a", "ABE-ORD", "elevenchars", "twelve chars", "thirteen char", "x".repeat(5_000), "\0", "a\0b", "\x7f",
  "é", "日本語", "tenletters\u00e9", "😀😀😀", "'quoted'", "line\nbreak", null,
]; // prettier-ignore
const INTEGERS = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), null, 4_294_967_296n, -4_294_967_297n];
/** More than one chunk, and a last one that is not full. */
const ROWS = 5_000;

describe("a chunk of a query's rows", () => {
  let db: DuckDb;
  before(async () => {
    db = await DuckDb.openInMemory();
    const texts = TEXTS.map((text) => (text === null ? "NULL" : textSql(text))).join(", ");
    const integers = INTEGERS.map((value) => String(value ?? "NULL")).join(", ");
    await db.run(`CREATE TABLE t AS SELECT i,
      ([${texts}])[1 + i % ${String(TEXTS.length)}] AS text, ([${integers}]::BIGINT[])[1 + i % ${String(INTEGERS.length)}] AS number,
      NULL::VARCHAR AS nothing, 'full' AS filled FROM range(${String(ROWS)}) AS r(i)`);
  });
  after(() => db.close());

  it("has every text, whichever way DuckDB keeps it", async () => {
    const texts: string[] = [];
    const alone: string[] = [];
    const long: string[] = [];
    for await (const chunk of db.stream(
      "SELECT text, 'more than twelve bytes, ' || i AS long FROM t ORDER BY i",
    )) {
      texts.push(...chunk.texts(0));
      long.push(...chunk.texts(1));
      for (let row = 0; row < chunk.rowCount; row += 1) alone.push(chunk.text(0, row));
    }
    const expected = Array.from({ length: ROWS }, (_, row) => TEXTS[row % TEXTS.length] ?? "");
    assert.deepEqual(texts, expected);
    assert.deepEqual(alone, expected);
    assert.deepEqual(
      long,
      Array.from({ length: ROWS }, (_, row) => `more than twelve bytes, ${String(row)}`),
    );
  });

  it("has every int64, and tells which rows have one", async () => {
    const numbers: (bigint | null)[] = [];
    for await (const chunk of db.stream("SELECT number FROM t ORDER BY i")) {
      const values = chunk.int64s(0);
      assert.equal(values.length, chunk.rowCount);
      values.forEach((value, row) => numbers.push(chunk.has(0, row) ? value : null));
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: ROWS }, (_, row) => INTEGERS[row % INTEGERS.length]),
    );
  });

  it("tells of columns with no value at all, and with nothing but values", async () => {
    let rows = 0;
    for await (const chunk of db.stream("SELECT nothing, filled FROM t")) {
      for (let row = 0; row < chunk.rowCount; row += 1) {
        assert.deepEqual([chunk.has(0, row), chunk.has(1, row)], [false, true]);
      }
      assert.deepEqual([chunk.hasAny(0), chunk.hasAny(1)], [false, true]);
      assert.ok(chunk.texts(0).every((text) => text === ""));
      assert.ok(chunk.texts(1).every((text) => text === "full"));
      rows += chunk.rowCount;
    }
    assert.equal(rows, ROWS);
  });

  it("tells of one value among many rows without", async () => {
    const found: boolean[] = [];
    const query = `SELECT CASE WHEN i = ${String(ROWS - 1)} THEN i END AS last FROM t ORDER BY i`;
    for await (const chunk of db.stream(query)) found.push(chunk.hasAny(0));
    assert.deepEqual(found, [...new Array<boolean>(found.length - 1).fill(false), true]);
  });

  it("keeps what it gave when the next has come", async () => {
    const kept: { numbers: BigInt64Array; texts: string[] }[] = [];
    for await (const chunk of db.stream("SELECT i, CAST(i AS VARCHAR) AS text FROM t ORDER BY i")) {
      kept.push({ numbers: chunk.int64s(0), texts: chunk.texts(1) });
    }
    assert.deepEqual(
      kept.flatMap(({ numbers }) => Array.from(numbers, Number)),
      Array.from({ length: ROWS }, (_, row) => row),
    );
    assert.deepEqual(
      kept.flatMap(({ texts }) => texts),
      Array.from({ length: ROWS }, (_, row) => String(row)),
    );
  });
});

function textSql(text: string): string {
  return text.split("\0").map(sqlText).join(" || chr(0) || ");
}
