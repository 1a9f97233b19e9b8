import type { DuckDb } from "../../../shared/duckdb.js";
import { IdSet } from "./id-set.js";
import type { DuckDbTables } from "./table.js";
import type { Batch } from "../sink.js";

/** Which IDs the table has. Nobody else writes to it: DuckDB holds the file for one process. */
export class KnownIds {
  readonly #ids: IdSet;

  private constructor(ids: IdSet) {
    this.#ids = ids;
  }

  /**
   * Reads every ID of the table.
   *
   * @param path of the database; what takes room on disk lies beside it
   * @returns undefined if the table has an ID twice
   */
  static async read(db: DuckDb, tables: DuckDbTables, path: string): Promise<KnownIds | undefined> {
    const ids = new IdSet(`${path}.ids-`);
    try {
      for await (const chunk of db.stream(tables.ids)) ids.addAll(chunk.int64s(0));
      if (ids.wereNew()) return new KnownIds(ids);
    } catch (thrown) {
      ids.close();
      throw thrown;
    }
    ids.close();
    return undefined;
  }

  /**
   * Adds the IDs of a batch. If it then fails to be stored, they are taken for known ones when they come again.
   *
   * @returns true if none of them is in the table and none is in the batch twice
   * @throws Error if the disk cannot be read
   */
  areNew({ parts }: Batch): boolean {
    for (const { ids, count } of parts) this.#ids.addAll(ids.subarray(0, count));
    return this.#ids.wereNew();
  }

  /** Idempotent. */
  close(): void {
    this.#ids.close();
  }
}
