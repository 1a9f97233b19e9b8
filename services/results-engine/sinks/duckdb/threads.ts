import type { DuckDb } from "../../../shared/duckdb.js";

/** So many batches in a row that were appended make the next ones likely to be, too. */
const CALM_BATCHES = 100;

/**
 * How many threads DuckDB works with. Rows that are appended are one piece of work: with a second thread the one
 * that asked for it turns round and round until the other has done it, a tenth of all that a sink takes. What
 * is compared with the whole table is for all threads. To change it takes a millisecond, so it follows slowly.
 */
export class DuckDbThreads {
  readonly #db: DuckDb;
  /** As DuckDB chose it. */
  readonly #usual: number;
  #isOne = false;
  #calmBatches = CALM_BATCHES;

  private constructor(db: DuckDb, usual: number) {
    this.#db = db;
    this.#usual = usual;
  }

  static async of(db: DuckDb): Promise<DuckDbThreads> {
    const [row] = await db.rows("SELECT current_setting('threads') AS threads");
    return new DuckDbThreads(db, Number(row?.threads));
  }

  /** Before rows are appended. */
  async forAppend(): Promise<void> {
    this.#calmBatches += 1;
    if (this.#isOne || this.#calmBatches <= CALM_BATCHES) return;
    await this.#db.run("SET threads = 1");
    this.#isOne = true;
  }

  /** Before rows are compared with the table. */
  async forMerge(): Promise<void> {
    this.#calmBatches = 0;
    if (!this.#isOne) return;
    await this.#db.run(`SET threads = ${String(this.#usual)}`);
    this.#isOne = false;
  }
}
