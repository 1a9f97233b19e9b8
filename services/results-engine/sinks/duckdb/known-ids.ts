import type { DuckDb } from "../../../shared/duckdb.js";
import type { DuckDbTables } from "./table.js";
import { IdFilter } from "./id-filter.js";
import type { Batch } from "../sink.js";

/** IDs that are looked up by one statement; a batch with more is compared as a whole. */
const MAX_LOOKUPS = 1_000;

/** Which IDs the table has: a filter in memory, and the table itself where the filter is not sure. */
export class KnownIds {
  readonly #db: DuckDb;
  readonly #tables: DuckDbTables;
  readonly #filter = new IdFilter();

  private constructor(db: DuckDb, tables: DuckDbTables) {
    this.#db = db;
    this.#tables = tables;
  }

  /**
   * Reads every ID of the table.
   *
   * @returns undefined if the table has an ID twice
   */
  static async read(db: DuckDb, tables: DuckDbTables): Promise<KnownIds | undefined> {
    const known = new KnownIds(db, tables);
    const doubtful: bigint[] = [];
    for await (const chunk of db.stream(tables.ids)) {
      const ids = chunk.int64s(0);
      for (const index of known.#filter.addAll(ids)) doubtful.push(ids[index] ?? 0n);
    }
    for (let start = 0; start < doubtful.length; start += MAX_LOOKUPS) {
      const { hits, ids } = await known.#count(doubtful.slice(start, start + MAX_LOOKUPS));
      if (hits > ids) return undefined;
    }
    return known;
  }

  /**
   * Adds the IDs of a batch, which may fail to be stored: then they are looked up when they come again.
   *
   * @param beforeLook awaited before the table must be looked through, here or by the caller for a false
   * @returns true if none of them is in the table and none is in the batch twice; false if one may be
   */
  async areNew({ parts }: Batch, beforeLook: () => Promise<void>): Promise<boolean> {
    const doubtful: bigint[] = [];
    for (const { ids, count } of parts) {
      for (const index of this.#filter.addAll(ids.subarray(0, count))) doubtful.push(ids[index] ?? 0n);
    }
    if (doubtful.length === 0) return true;
    await beforeLook();
    if (doubtful.length > MAX_LOOKUPS || mayRepeat(parts, doubtful)) return false;
    return (await this.#count(doubtful)).hits === 0;
  }

  async #count(ids: readonly bigint[]): Promise<{ hits: number; ids: number }> {
    const [row] = await this.#db.rows(this.#tables.countAmong(ids));
    return { hits: Number(row?.hits), ids: Number(row?.ids) };
  }
}

/** True if one of the IDs may be in the batch twice. By 32 bits of each, which spares a bigint a row. */
function mayRepeat(parts: Batch["parts"], doubtful: readonly bigint[]): boolean {
  const folded = new Set<number>();
  const words = wordsOf(BigInt64Array.from(doubtful));
  for (let at = 0; at < words.length; at += 2) folded.add(fold(words, at));
  let rows = 0;
  for (const { ids, count } of parts) {
    const halves = wordsOf(ids.subarray(0, count));
    for (let at = 0; at < halves.length; at += 2) if (folded.has(fold(halves, at))) rows += 1;
  }
  return rows !== doubtful.length;
}

function fold(halves: Uint32Array, at: number): number {
  return (halves[at] ?? 0) ^ Math.imul(halves[at + 1] ?? 0, 0x9e3779b1);
}

function wordsOf(ids: BigInt64Array): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
}
