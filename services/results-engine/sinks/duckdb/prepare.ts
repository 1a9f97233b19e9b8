/** Makes the tables of the DuckDB sink, and refuses those that are there and do not fit. */
import type { DuckDb } from "../../../shared/duckdb.js";
import { sqlText } from "../../../shared/duckdb.js";
import { UserError, messageOf } from "../../../shared/errors.js";
import { DUCKDB_TYPES, DuckDbTables } from "./table.js";
import { KnownIds } from "./known-ids.js";
import { KEY_COLUMN, ROW_COLUMNS } from "../row-schema.js";
import type { SinkTotals } from "../sink.js";

/** What is in the tables already. */
export interface PreparedTables {
  readonly knownIds: KnownIds;
  /** What the run has stored before this process. */
  readonly earlierTotals: SinkTotals;
  /** What all runs have stored before. */
  readonly lifetimeTotals: SinkTotals;
}

/**
 * @param path of the database
 * @param setting the setting with its value, for messages
 * @throws UserError when a table is there with other columns or keys, or with an ID twice
 */
export async function prepareTables(
  db: DuckDb,
  tables: DuckDbTables,
  path: string,
  runId: string,
  setting: string,
): Promise<PreparedTables> {
  try {
    for (const statement of tables.create) await db.run(statement);
  } catch (thrown) {
    throw new UserError(`${setting}: its tables cannot be made (${firstLine(thrown)})`);
  }
  await checkTables(db, tables.name, setting);
  const earlierTotals = await totalsOf(db, tables, runId, setting);
  const lifetimeTotals = await totalsOf(db, tables, undefined, setting);
  const knownIds = await KnownIds.read(db, tables, path);
  if (knownIds === undefined) {
    throw new UserError(`${setting}: the table has an ${KEY_COLUMN} twice, where each must be there once`);
  }
  return { knownIds, earlierTotals, lifetimeTotals };
}

async function totalsOf(
  db: DuckDb,
  tables: DuckDbTables,
  runId: string | undefined,
  setting: string,
): Promise<SinkTotals> {
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

/**
 * Holds the table of rows against ours; one that is absent fits.
 *
 * @param setting the setting with its value, for messages
 * @throws UserError when it is there with other columns or keys
 */
export async function checkTables(db: DuckDb, name: string, setting: string): Promise<void> {
  const here = `database_name = current_database() AND schema_name = 'main'`;
  const views = await db.rows(`FROM duckdb_views() WHERE ${here} AND view_name = ${sqlText(name)}`);
  if (views.length > 0) throw new UserError(`${setting}: ${name} is a view, where a table is needed`);
  const found = await db.rows(`FROM duckdb_tables() WHERE ${here} AND table_name = ${sqlText(name)}`);
  if (found.length === 0) return;
  const tables = new DuckDbTables(name);
  await checkColumns(db, tables, setting);
  await checkKey(db, tables, setting);
}

async function checkColumns(db: DuckDb, { table }: DuckDbTables, setting: string): Promise<void> {
  const expected = ROW_COLUMNS.map(({ name, type }) => `${name} ${DUCKDB_TYPES[type]}`).join(", ");
  const columns = await db.describe(`SELECT * FROM ${table}`);
  const found = columns.map(({ name, type }) => `${name} ${type}`).join(", ");
  if (found === expected) return;
  throw new UserError(`${setting}: the table has the columns ${found}, where ${expected} are needed`);
}

/** Any key but that of the ID would refuse rows for ever. */
async function checkKey(db: DuckDb, { name }: DuckDbTables, setting: string): Promise<void> {
  const constraints = await db.rows(
    `SELECT constraint_text AS text FROM duckdb_constraints() ` +
      `WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ${sqlText(name)} AND constraint_type <> 'NOT NULL'`,
  );
  const found = constraints.map(({ text }) => String(text)).join(", ");
  if (found === "" || found === `PRIMARY KEY(${KEY_COLUMN})`) return;
  throw new UserError(
    `${setting}: the table has ${found}, where no key, or that of ${KEY_COLUMN}, is needed`,
  );
}

function firstLine(thrown: unknown): string {
  return messageOf(thrown).split("\n")[0] ?? "";
}
