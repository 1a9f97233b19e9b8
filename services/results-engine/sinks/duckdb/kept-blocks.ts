import type { DuckDb } from "../../../shared/duckdb.js";

/** Rows between two times that memory is given back: some 5 MiB, and milliseconds. */
const GIVE_BACK_EVERY_ROWS = 500_000;
/** Less than DuckDB ever holds, so that it lets go of all that nobody uses. */
const LOW_LIMIT = "1MB";

/**
 * The blocks of the file that DuckDB keeps in memory once it has written them, up to four fifths of the machine.
 * Rows that are appended never need them again, so from time to time it is made to let go: a limit lower
 * than what it holds does so at once. The limit is taken back before anything is written, since a checkpoint that
 * finds no room costs the open database.
 */
export class DuckDbKeptBlocks {
  readonly #db: DuckDb;
  /** As DuckDB chose it: `18.7 GiB`. */
  readonly #usualLimit: string;
  /** Enough for the first time: the IDs of the table were read when it was opened. */
  #rows = GIVE_BACK_EVERY_ROWS;

  private constructor(db: DuckDb, usualLimit: string) {
    this.#db = db;
    this.#usualLimit = usualLimit;
  }

  static async of(db: DuckDb): Promise<DuckDbKeptBlocks> {
    const [row] = await db.rows("SELECT current_setting('memory_limit') AS memory");
    return new DuckDbKeptBlocks(db, String(row?.memory));
  }

  /** Before rows are appended, outside of a transaction. @throws whatever DuckDB throws; then call it again */
  async forAppend(rows: number): Promise<void> {
    if (this.#rows >= GIVE_BACK_EVERY_ROWS) {
      // Fails if too much is in use, with the rest let go.
      await this.#db.run(`SET memory_limit = '${LOW_LIMIT}'`).catch(() => 0);
      await this.#db.run(`SET memory_limit = '${this.#usualLimit}'`);
      this.#rows = 0;
    }
    this.#rows += rows;
  }
}
