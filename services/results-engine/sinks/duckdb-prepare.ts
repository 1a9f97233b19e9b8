/** Makes the tables of the DuckDB sink, and refuses those that are there and do not fit. */
import type { DuckDb } from "../../shared/duckdb.js";
import { sqlText } from "../../shared/duckdb.js";
import { UserError, messageOf } from "../../shared/errors.js";
import { DUCKDB_TYPES } from "./duckdb-table.js";
import type { DuckDbTables } from "./duckdb-table.js";
import { KEY_COLUMN, ROW_COLUMNS } from "./row-schema.js";
import type { SinkTotals } from "./sink.js";

/**
 * @param setting the setting with its value, for messages
 * @returns what the run has stored before this process
 * @throws UserError when a table is there with other columns or keys
 */
export async function prepareTables(
  db: DuckDb,
  name: string,
  tables: DuckDbTables,
  runId: string,
  setting: string,
): Promise<SinkTotals> {
  try {
    for (const statement of tables.create) await db.run(statement);
  } catch (thrown) {
    throw new UserError(`${setting}: its tables cannot be made (${firstLine(thrown)})`);
  }
  await checkColumns(db, tables, setting);
  await checkKey(db, name, setting);
  try {
    const [row] = await db.rows(tables.totalsOf(runId));
    return {
      stored: Number(row?.Stored ?? 0),
      repeats: Number(row?.Repeats ?? 0),
      late: Number(row?.Late ?? 0),
    };
  } catch (thrown) {
    throw new UserError(`${setting}: ${tables.totals} is no table of totals (${firstLine(thrown)})`);
  }
}

async function checkColumns(db: DuckDb, { table }: DuckDbTables, setting: string): Promise<void> {
  const expected = ROW_COLUMNS.map(({ name, type }) => `${name} ${DUCKDB_TYPES[type]}`).join(", ");
  const columns = await db.describe(`SELECT * FROM ${table}`);
  const found = columns.map(({ name, type }) => `${name} ${type}`).join(", ");
  if (found === expected) return;
  throw new UserError(`${setting}: the table has the columns ${found}, where ${expected} are needed`);
}

/** Without the key every repeat would be one more row, and any other key would refuse rows for ever. */
async function checkKey(db: DuckDb, name: string, setting: string): Promise<void> {
  const constraints = await db.rows(
    `SELECT constraint_text AS text FROM duckdb_constraints() ` +
      `WHERE database_name = current_database() AND schema_name = 'main' ` +
      `AND table_name = ${sqlText(name)} AND constraint_type <> 'NOT NULL'`,
  );
  const found = constraints.map(({ text }) => String(text)).join(", ");
  const expected = `PRIMARY KEY(${KEY_COLUMN})`;
  if (found === expected) return;
  const has = found === "" ? "no key" : found;
  throw new UserError(`${setting}: the table has ${has}, where ${expected} alone is needed`);
}

function firstLine(thrown: unknown): string {
  return messageOf(thrown).split("\n")[0] ?? "";
}
