/** The statements of the DuckDB sink. They read a staging table, where a batch was appended. */
import { sqlName, sqlText } from "../../shared/duckdb.js";
import { KEY_COLUMN, RESULT_COLUMNS, ROW_COLUMNS } from "./row-schema.js";
import type { RowColumnType } from "./row-schema.js";
import type { SinkTotals } from "./sink.js";

/** TIMESTAMP holds UTC: unlike TIMESTAMPTZ it shows the same in every session and needs no extension. */
export const DUCKDB_TYPES: Readonly<Record<RowColumnType, string>> = {
  int64: "BIGINT",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
  bool: "BOOLEAN",
};

const FIELDS = RESULT_COLUMNS.map((column) => sqlName(column.name)).join(", ");
const COLUMNS = ROW_COLUMNS.map((column) => sqlName(column.name)).join(", ");

/** When a batch is written and what is late then, both in microseconds. */
export interface WriteTime {
  readonly nowUs: number;
  readonly lateAfterUs: number;
}

/**
 * Names and statements of one sink:
 *
 * - `TABLE`: the rows, one an ID
 * - `TABLE_totals`: what each run has stored
 * - `TABLE_repeat_messages`: DTimeStamps, which name messages, of those that had or met a repeat. The
 *   row of such a message may have lost to another or be replaced by now, so that only this table
 *   tells its redelivery from one more repeat. Kept for as long as a message may come again.
 */
export class DuckDbTables {
  readonly table: string;
  readonly totals: string;
  readonly repeatMessages: string;

  constructor(table: string) {
    this.table = sqlName(table);
    this.totals = sqlName(`${table}_totals`);
    this.repeatMessages = sqlName(`${table}_repeat_messages`);
  }

  get create(): readonly string[] {
    const row = ROW_COLUMNS.map(({ name, type }) => {
      const key = name === KEY_COLUMN ? "PRIMARY KEY" : "NOT NULL";
      return `${sqlName(name)} ${DUCKDB_TYPES[type]} ${key}`;
    });
    return [
      `CREATE TABLE IF NOT EXISTS ${this.table} (${row.join(", ")})`,
      `CREATE TABLE IF NOT EXISTS ${this.totals} (RunId VARCHAR PRIMARY KEY, Stored BIGINT, Repeats BIGINT, Late BIGINT)`,
      `CREATE TABLE IF NOT EXISTS ${this.repeatMessages} (DTimeStamp TIMESTAMP, RTimeStamp TIMESTAMP)`,
    ];
  }

  get drop(): readonly string[] {
    return [this.table, this.totals, this.repeatMessages].map((name) => `DROP TABLE IF EXISTS ${name}`);
  }

  /** Every staged row, unless one of the IDs is in the table or staged twice. */
  insertNew(staging: string, time: WriteTime): string {
    return `${this.#insertFrom(staging, time)} ON CONFLICT DO NOTHING`;
  }

  /**
   * The newest of each staged ID, where it is newer than what the table has. Of equal times the
   * message stored last wins, and in it the last row: the table never depends on how results were batched.
   */
  mergeNewest(staging: string, time: WriteTime): string {
    const updates = ROW_COLUMNS.filter(({ name }) => name !== KEY_COLUMN).map(({ name }) => {
      return `${sqlName(name)} = excluded.${sqlName(name)}`;
    });
    const rank =
      `row_number() OVER (PARTITION BY ${KEY_COLUMN} ` +
      `ORDER BY ProcessTime DESC, DTimeStamp DESC, rowid DESC)`;
    return (
      `${this.#insertFrom(`(FROM ${staging} QUALIFY ${rank} = 1)`, time)} ` +
      `ON CONFLICT (${KEY_COLUMN}) DO UPDATE SET ${updates.join(", ")} ` +
      `WHERE excluded.ProcessTime > ${this.table}.ProcessTime OR ` +
      `(excluded.ProcessTime = ${this.table}.ProcessTime AND excluded.DTimeStamp > ${this.table}.DTimeStamp)`
    );
  }

  /**
   * `news`: staged IDs that the table does not have. `replays`: staged rows that were written before
   * from the same message. `late`: late rows that are no replays. `messages`: those to {@link remember}, the
   * staged ones that are no replays and the ones whose rows these meet, as microseconds.
   */
  compare(staging: string, time: WriteTime): string {
    const isReplay = "(t.ID IS NOT NULL AND (s.DTimeStamp = t.DTimeStamp OR m.DTimeStamp IS NOT NULL))";
    const staged = `list(DISTINCT epoch_us(s.DTimeStamp)) FILTER (NOT ${isReplay})`;
    const met = `list(DISTINCT epoch_us(t.DTimeStamp)) FILTER (NOT ${isReplay} AND t.ID IS NOT NULL)`;
    return (
      `SELECT count(DISTINCT s.ID) FILTER (t.ID IS NULL) AS news, ` +
      `count(*) FILTER (${isReplay}) AS replays, ` +
      `count(*) FILTER (${isLate("s.DTimeStamp", time)} AND NOT ${isReplay}) AS late, ` +
      `array_to_string(list_distinct(list_concat(${staged}, ${met})), ', ') AS messages ` +
      `FROM ${staging} s LEFT JOIN ${this.table} t USING (ID) ` +
      `LEFT JOIN ${this.repeatMessages} m ON m.DTimeStamp = s.DTimeStamp`
    );
  }

  /** @param messagesUs microseconds, separated by commas */
  remember(messagesUs: string, { nowUs }: WriteTime): string {
    return (
      `INSERT INTO ${this.repeatMessages} ` +
      `SELECT make_timestamp(us), make_timestamp(${nowUs}) FROM (SELECT unnest([${messagesUs}]::BIGINT[]) AS us) ` +
      `WHERE make_timestamp(us) NOT IN (SELECT DTimeStamp FROM ${this.repeatMessages})`
    );
  }

  forget(beforeUs: number): string {
    return `DELETE FROM ${this.repeatMessages} WHERE RTimeStamp < make_timestamp(${beforeUs})`;
  }

  countLate(staging: string, time: WriteTime): string {
    return `SELECT count(*) AS late FROM ${staging} WHERE ${isLate("DTimeStamp", time)}`;
  }

  addTotals(runId: string, { stored, repeats, late }: SinkTotals): string {
    return (
      `INSERT INTO ${this.totals} VALUES (${sqlText(runId)}, ${stored}, ${repeats}, ${late}) ` +
      `ON CONFLICT (RunId) DO UPDATE SET Stored = Stored + excluded.Stored, ` +
      `Repeats = Repeats + excluded.Repeats, Late = Late + excluded.Late`
    );
  }

  totalsOf(runId: string): string {
    return `SELECT Stored, Repeats, Late FROM ${this.totals} WHERE RunId = ${sqlText(runId)}`;
  }

  #insertFrom(from: string, time: WriteTime): string {
    const late = isLate("DTimeStamp", time);
    return `INSERT INTO ${this.table} (${COLUMNS}) SELECT ${FIELDS}, make_timestamp(${time.nowUs}), ${late} FROM ${from}`;
  }
}

function isLate(column: string, { nowUs, lateAfterUs }: WriteTime): string {
  return `${nowUs} - epoch_us(${column}) > ${lateAfterUs}`;
}
