/** The tables of the DuckDB sink and the statements over them. */
import type { DuckDb } from "../../shared/duckdb.js";
import { sqlName, sqlText } from "../../shared/duckdb.js";
import type { ColumnType } from "../../shared/duckdb-columns.js";
import { UserError, messageOf } from "../../shared/errors.js";
import { KEY_COLUMN, RESULT_COLUMNS, ROW_COLUMNS } from "./row-schema.js";
import type { RowColumn, RowColumnType } from "./row-schema.js";
import type { SinkTotals } from "./sink.js";

/** TIMESTAMP holds UTC: unlike TIMESTAMPTZ it shows the same in every session and needs no extension. */
const DUCKDB_TYPES: Readonly<Record<RowColumnType, string>> = {
  int64: "BIGINT",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
  bool: "BOOLEAN",
};

const STAGING = "crunch_staging";
const FIELDS = RESULT_COLUMNS.map((column) => sqlName(column.name)).join(", ");
const COLUMNS = ROW_COLUMNS.map((column) => sqlName(column.name)).join(", ");

/** Names and statements of one sink. Statements read the staging table, where a batch is appended. */
export class DuckDbTables {
  /** A temporary table without key, so appending to it is cheap. */
  readonly staging = STAGING;
  readonly stagingTypes: readonly ColumnType[] = RESULT_COLUMNS.map(stagingType);
  readonly #table: string;
  readonly #totals: string;

  constructor(table: string) {
    this.#table = sqlName(table);
    this.#totals = sqlName(`${table}_totals`);
  }

  get create(): readonly string[] {
    const row = ROW_COLUMNS.map(({ name, type }) => {
      const key = name === KEY_COLUMN ? "PRIMARY KEY" : "NOT NULL";
      return `${sqlName(name)} ${DUCKDB_TYPES[type]} ${key}`;
    });
    const staged = RESULT_COLUMNS.map(({ name, type }) => `${sqlName(name)} ${DUCKDB_TYPES[type]}`);
    return [
      `CREATE TABLE IF NOT EXISTS ${this.#table} (${row.join(", ")})`,
      `CREATE TABLE IF NOT EXISTS ${this.#totals} (RunId VARCHAR PRIMARY KEY, Stored BIGINT, Repeats BIGINT, Late BIGINT)`,
      `CREATE TEMP TABLE ${STAGING} (${staged.join(", ")})`,
    ];
  }

  get drop(): readonly string[] {
    return [`DROP TABLE IF EXISTS ${this.#table}`, `DROP TABLE IF EXISTS ${this.#totals}`];
  }

  get describe(): string {
    return `SELECT * FROM ${this.#table}`;
  }

  /** Every staged row, unless one of the IDs is in the table or staged twice. */
  insertNew(nowUs: number, lateAfterUs: number): string {
    return `${this.#insertFrom(STAGING, nowUs, lateAfterUs)} ON CONFLICT DO NOTHING`;
  }

  /** The newest of each staged ID, where it is newer than what the table has. */
  mergeNewest(nowUs: number, lateAfterUs: number): string {
    const updates = ROW_COLUMNS.filter(({ name }) => name !== KEY_COLUMN).map(({ name }) => {
      return `${sqlName(name)} = excluded.${sqlName(name)}`;
    });
    return (
      `${this.#insertFrom(`(FROM ${STAGING} QUALIFY ${rank("ID")} = 1)`, nowUs, lateAfterUs)} ` +
      `ON CONFLICT (${KEY_COLUMN}) DO UPDATE SET ${updates.join(", ")} ` +
      `WHERE excluded.ProcessTime > ${this.#table}.ProcessTime`
    );
  }

  /**
   * `news`: staged IDs that the table does not have. `replays`: staged rows that it has from the
   * same message, which is the one with the same DTimeStamp. `late`: late rows that are no replays.
   */
  countKnown(nowUs: number, lateAfterUs: number): string {
    return (
      `SELECT count(DISTINCT s.ID) FILTER (t.ID IS NULL) AS news, ` +
      `count(*) FILTER (s.DTimeStamp = t.DTimeStamp) AS replays, ` +
      `count(*) FILTER (${isLate("s.DTimeStamp", nowUs, lateAfterUs)} ` +
      `AND s.DTimeStamp IS DISTINCT FROM t.DTimeStamp) AS late ` +
      `FROM ${STAGING} s LEFT JOIN ${this.#table} t USING (ID)`
    );
  }

  countLate(nowUs: number, lateAfterUs: number): string {
    return `SELECT count(*) AS late FROM ${STAGING} WHERE ${isLate("DTimeStamp", nowUs, lateAfterUs)}`;
  }

  addTotals(runId: string, { stored, repeats, late }: SinkTotals): string {
    return (
      `INSERT INTO ${this.#totals} VALUES (${sqlText(runId)}, ${stored}, ${repeats}, ${late}) ` +
      `ON CONFLICT (RunId) DO UPDATE SET Stored = Stored + excluded.Stored, ` +
      `Repeats = Repeats + excluded.Repeats, Late = Late + excluded.Late`
    );
  }

  totalsOf(runId: string): string {
    return `SELECT * FROM ${this.#totals} WHERE RunId = ${sqlText(runId)}`;
  }

  #insertFrom(from: string, nowUs: number, lateAfterUs: number): string {
    const late = isLate("DTimeStamp", nowUs, lateAfterUs);
    return `INSERT INTO ${this.#table} (${COLUMNS}) SELECT ${FIELDS}, make_timestamp(${nowUs}), ${late} FROM ${from}`;
  }
}

/**
 * Makes the tables that are absent.
 *
 * @returns what the run has stored before this process
 * @throws UserError when the table is there with other columns
 */
export async function prepareTables(
  db: DuckDb,
  tables: DuckDbTables,
  runId: string,
  setting: string,
): Promise<SinkTotals> {
  try {
    for (const statement of tables.create) await db.run(statement);
  } catch (thrown) {
    throw new UserError(`${setting}: its tables cannot be made (${messageOf(thrown).split("\n")[0] ?? ""})`);
  }
  const expected = ROW_COLUMNS.map(({ name, type }) => `${name} ${DUCKDB_TYPES[type]}`).join(", ");
  const found = (await db.describe(tables.describe)).map(({ name, type }) => `${name} ${type}`).join(", ");
  if (found !== expected) {
    throw new UserError(`${setting}: the table has the columns ${found}, where ${expected} are needed`);
  }
  const [row] = await db.rows(tables.totalsOf(runId));
  return {
    stored: Number(row?.Stored ?? 0),
    repeats: Number(row?.Repeats ?? 0),
    late: Number(row?.Late ?? 0),
  };
}

function rank(key: string): string {
  return `row_number() OVER (PARTITION BY ${key} ORDER BY ProcessTime DESC, DTimeStamp DESC)`;
}

function isLate(column: string, nowUs: number, lateAfterUs: number): string {
  return `${nowUs} - epoch_us(${column}) > ${lateAfterUs}`;
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
