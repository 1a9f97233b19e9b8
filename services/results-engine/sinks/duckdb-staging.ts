/** Where the rows of a batch wait for their transaction: a temporary table without key. */
import type { DuckDb } from "../../shared/duckdb.js";
import { sqlName } from "../../shared/duckdb.js";
import type { ColumnAppender, ColumnType } from "../../shared/duckdb-columns.js";
import { DUCKDB_TYPES } from "./duckdb-table.js";
import { RESULT_COLUMNS } from "./row-schema.js";
import type { RowColumn } from "./row-schema.js";
import type { Batch } from "./sink.js";

const TYPES: readonly ColumnType[] = RESULT_COLUMNS.map(stagingType);

/**
 * Not to be used any more once a method threw: rows of the batch that failed may be in the table or in
 * the appender. {@link discard} it and open the next, whose name is another so that not even an
 * appender that will not end can reach it.
 */
export class DuckDbStaging {
  static #opened = 0;

  readonly table: string;
  readonly #db: DuckDb;
  readonly #appender: ColumnAppender;

  private constructor(db: DuckDb, table: string, appender: ColumnAppender) {
    this.#db = db;
    this.table = table;
    this.#appender = appender;
  }

  static async open(db: DuckDb): Promise<DuckDbStaging> {
    DuckDbStaging.#opened += 1;
    const table = `crunch_staging_${DuckDbStaging.#opened}`;
    const columns = RESULT_COLUMNS.map(({ name, type }) => `${sqlName(name)} ${DUCKDB_TYPES[type]}`);
    await db.run(`CREATE TEMP TABLE ${table} (${columns.join(", ")})`);
    return new DuckDbStaging(db, table, await db.appender(table, TYPES));
  }

  append({ parts }: Batch): void {
    for (const { ids, data, meta, dTimeStampsUs, rData, processTimesUs, count } of parts) {
      this.#appender.append([ids, data, meta, dTimeStampsUs, rData, processTimesUs], count);
    }
    this.#appender.flush();
  }

  async clear(): Promise<void> {
    await this.#db.run(`DELETE FROM ${this.table}`);
  }

  /** Never throws: what cannot be dropped ends with the connection. */
  async discard(): Promise<void> {
    this.#appender.discard();
    await this.#db.run(`DROP TABLE ${this.table}`).catch(() => 0);
  }
}

function stagingType({ name, type }: RowColumn): ColumnType {
  switch (type) {
    case "int64":
      return "int64";
    case "string":
      return "text";
    case "timestamp":
      return "timestamp";
    case "bool":
      throw new Error(`MyResult.${name} is a bool, which no part of a batch holds`);
  }
}
