/** The statements of the DuckDB sink. They read a staging table, where a batch was appended. */
import { sqlName, sqlText } from "../../../shared/duckdb.js";
import { FIELD_COLUMNS, KEY_COLUMN, ROW_COLUMNS, SINK_COLUMNS } from "../row-schema.js";
import type { RowColumn, RowColumnType } from "../row-schema.js";
import type { SinkTotals } from "../sink.js";

/** TIMESTAMP holds UTC: unlike TIMESTAMPTZ it shows the same in every session and needs no extension. */
export const DUCKDB_TYPES: Readonly<Record<RowColumnType, string>> = {
  int64: "BIGINT",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
  bool: "BOOLEAN",
  float64: "DOUBLE",
};

/** A column as CREATE TABLE and ALTER TABLE take it. */
export function duckDbColumn({ name, type, nullable }: RowColumn): string {
  return `${sqlName(name)} ${DUCKDB_TYPES[type]}${nullable ? "" : " NOT NULL"}`;
}

const FIELDS = FIELD_COLUMNS.map((column) => sqlName(column.name)).join(", ");
const ADDED = SINK_COLUMNS.map((column) => sqlName(column.name)).join(", ");

/** Of a staging table, beside the columns of the results: the how-manieth message of the batch. */
export const MESSAGE_COLUMN = "Message";

/** When a batch is written and what is late then, both in microseconds. */
export interface WriteTime {
  readonly nowUs: number;
  readonly lateAfterUs: number;
}

/**
 * Names and statements of one sink:
 *
 * - `TABLE`: the rows, one an ID. No key is declared: DuckDB's index costs more than all else together,
 *   holds every ID in memory, and grows slower with each (test/bench); {@link KnownIds} keeps IDs unique
 * - `TABLE_totals`: what each run has stored
 * - `TABLE_repeat_messages`: DTimeStamps, which name messages, of those that had or met a repeat. The
 *   row of such a message may have lost to another or be replaced by now, so that only this table
 *   tells its redelivery from one more repeat. Kept for as long as a message may come again.
 */
export class DuckDbTables {
  /** As it is; the others are SQL. */
  readonly name: string;
  readonly table: string;
  readonly totals: string;
  readonly repeatMessages: string;

  constructor(table: string) {
    this.name = table;
    this.table = sqlName(table);
    this.totals = sqlName(`${table}_totals`);
    this.repeatMessages = sqlName(`${table}_repeat_messages`);
  }

  get create(): readonly string[] {
    const row = ROW_COLUMNS.map(duckDbColumn);
    return [
      `CREATE TABLE IF NOT EXISTS ${this.table} (${row.join(", ")})`,
      `CREATE TABLE IF NOT EXISTS ${this.totals} (RunId VARCHAR PRIMARY KEY, Stored BIGINT, Repeats BIGINT, Late BIGINT)`,
      `CREATE TABLE IF NOT EXISTS ${this.repeatMessages} (DTimeStamp TIMESTAMP, RTimeStamp TIMESTAMP)`,
    ];
  }

  /** Of every table, as it is. */
  get names(): readonly string[] {
    return [this.name, `${this.name}_totals`, `${this.name}_repeat_messages`];
  }

  get drop(): readonly string[] {
    return [this.table, this.totals, this.repeatMessages].map((name) => `DROP TABLE IF EXISTS ${name}`);
  }

  /** Every ID, in the order of storage. */
  get ids(): string {
    return `SELECT ${KEY_COLUMN} FROM ${this.table}`;
  }

  /**
   * The newest of each staged ID. Of equal times the message stored last wins, and in it the last
   * row: the table never depends on how results were batched.
   */
  newestOf(staging: string): string {
    const rank =
      `row_number() OVER (PARTITION BY ${KEY_COLUMN} ` +
      `ORDER BY ProcessTime DESC, DTimeStamp DESC, rowid DESC)`;
    return `(FROM ${staging} QUALIFY ${rank} = 1)`;
  }

  /** Rows that are in the table and older than the newest staged one of their ID become that one. */
  updateOlder(staging: string, time: WriteTime): string {
    const isNewer = `s.ProcessTime > t.ProcessTime OR (s.ProcessTime = t.ProcessTime AND s.DTimeStamp > t.DTimeStamp)`;
    const fields = FIELD_COLUMNS.filter(({ name }) => name !== KEY_COLUMN).map(({ name }) => {
      return `${sqlName(name)} = s.${sqlName(name)}`;
    });
    const added = `RTimeStamp = make_timestamp(${time.nowUs}), Late = ${isLate("s.DTimeStamp", time)}`;
    return (
      `UPDATE ${this.table} t SET ${fields.join(", ")}, ${added} FROM ${this.newestOf(staging)} s ` +
      `WHERE t.${KEY_COLUMN} = s.${KEY_COLUMN} AND (${isNewer})`
    );
  }

  /** The newest of each staged ID that the table does not have. */
  insertMissing(staging: string, time: WriteTime): string {
    return (
      `INSERT INTO ${this.table} (${FIELDS}, ${ADDED}) ` +
      `SELECT ${FIELDS}, make_timestamp(${time.nowUs}), ${isLate("DTimeStamp", time)} ` +
      `FROM ${this.newestOf(staging)} ANTI JOIN ${this.table} USING (${KEY_COLUMN})`
    );
  }

  /**
   * `news`: staged IDs that the table does not have. `replays`: staged rows that were written before
   * from the same message, or came before in it within the batch. `late`: late rows that are no replays. `messages`: those to {@link remember}, the
   * staged ones that are no replays and the ones whose rows these meet, as microseconds.
   */
  compare(staging: string, time: WriteTime): string {
    const isReplay =
      "(s.CameBefore OR (t.ID IS NOT NULL AND (s.DTimeStamp = t.DTimeStamp OR m.DTimeStamp IS NOT NULL)))";
    const first = `min(${MESSAGE_COLUMN}) OVER (PARTITION BY ${KEY_COLUMN}, DTimeStamp)`;
    const staged = `list(DISTINCT epoch_us(s.DTimeStamp)) FILTER (NOT ${isReplay})`;
    const met = `list(DISTINCT epoch_us(t.DTimeStamp)) FILTER (NOT ${isReplay} AND t.ID IS NOT NULL)`;
    return (
      `SELECT count(DISTINCT s.ID) FILTER (t.ID IS NULL) AS news, ` +
      `count(*) FILTER (${isReplay}) AS replays, ` +
      `count(*) FILTER (${isLate("s.DTimeStamp", time)} AND NOT ${isReplay}) AS late, ` +
      `array_to_string(list_distinct(list_concat(${staged}, ${met})), ', ') AS messages ` +
      `FROM (SELECT *, ${MESSAGE_COLUMN} > ${first} AS CameBefore FROM ${staging}) s LEFT JOIN ${this.table} t USING (ID) ` +
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

  /** The totals of a run that has stored nothing before. */
  firstTotals(runId: string, { stored, repeats, late }: SinkTotals): string {
    return `INSERT INTO ${this.totals} VALUES (${sqlText(runId)}, ${stored}, ${repeats}, ${late})`;
  }

  /** Changes no row if there is none. With ON CONFLICT one INSERT would do, and take three times as long. */
  addTotals(runId: string, { stored, repeats, late }: SinkTotals): string {
    return (
      `UPDATE ${this.totals} SET Stored = Stored + ${stored}, Repeats = Repeats + ${repeats}, ` +
      `Late = Late + ${late} WHERE RunId = ${sqlText(runId)}`
    );
  }

  /** @param runId undefined for all runs together */
  totalsOf(runId: string | undefined): string {
    const which = runId === undefined ? "" : ` WHERE RunId = ${sqlText(runId)}`;
    return `SELECT sum(Stored)::BIGINT AS Stored, sum(Repeats)::BIGINT AS Repeats, sum(Late)::BIGINT AS Late FROM ${this.totals}${which}`;
  }
}

function isLate(column: string, { nowUs, lateAfterUs }: WriteTime): string {
  return `${nowUs} - epoch_us(${column}) > ${lateAfterUs}`;
}
