/** Where the rows of a batch wait to be compared with the table: a temporary table. */
import type { DuckDb } from "../../../shared/duckdb.js";
import { sqlName } from "../../../shared/duckdb.js";
import type { ColumnType } from "../../../shared/duckdb-columns.js";
import { appendedType } from "./rows.js";
import { DUCKDB_TYPES, MESSAGE_COLUMN } from "./table.js";
import { FIELD_COLUMNS } from "../row-schema.js";
import type { Batch } from "../sink.js";

const TYPES: readonly ColumnType[] = [...FIELD_COLUMNS.map(appendedType), "int64"];

let filled = 0;

/** A batch in a temporary table of its own name, so that not even an appender that will not end can reach the next. */
export interface DuckDbStaging {
  readonly table: string;
  /** Never throws: what cannot be dropped ends with the connection. */
  discard(): Promise<void>;
}

export const DuckDbStaging = {
  async fill(db: DuckDb, { parts }: Batch): Promise<DuckDbStaging> {
    filled += 1;
    const table = `crunch_staging_${String(filled)}`;
    const discard = async (): Promise<void> => {
      await db.run(`DROP TABLE ${table}`).catch(() => 0);
    };
    const columns = FIELD_COLUMNS.map(({ name, type }) => `${sqlName(name)} ${DUCKDB_TYPES[type]}`);
    await db.run(`CREATE TEMP TABLE ${table} (${columns.join(", ")}, ${MESSAGE_COLUMN} BIGINT)`);
    const appender = await db.appender(table, TYPES, "temp");
    try {
      for (const [index, part] of parts.entries()) {
        const { ids, data, meta, dTimeStampsUs, rData, processTimesUs, own, count } = part;
        const message = new BigInt64Array(count).fill(BigInt(index));
        const fields = [ids, data, meta, dTimeStampsUs, rData, processTimesUs];
        appender.append([...fields, ...own, message], count);
      }
      appender.flush();
    } catch (thrown) {
      await discard();
      throw thrown;
    } finally {
      appender.discard();
    }
    return { table, discard };
  },
};
