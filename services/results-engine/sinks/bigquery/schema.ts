import { KEY_COLUMN, ROW_COLUMNS } from "../row-schema.js";
import type { RowColumnType } from "../row-schema.js";

/** A column in BigQuery's REST words. */
export interface BigQueryColumn {
  readonly name: string;
  readonly type: "INTEGER" | "STRING" | "TIMESTAMP" | "BOOLEAN" | "FLOAT";
  readonly mode: "REQUIRED" | "NULLABLE";
}

const TYPES: Readonly<Record<RowColumnType, BigQueryColumn["type"]>> = {
  int64: "INTEGER",
  string: "STRING",
  timestamp: "TIMESTAMP",
  bool: "BOOLEAN",
  float64: "FLOAT",
};

/** The columns of the table, in the order of the row. */
export const BIGQUERY_COLUMNS: readonly BigQueryColumn[] = ROW_COLUMNS.map(({ name, type, nullable }) => ({
  name,
  type: TYPES[type],
  mode: nullable ? "NULLABLE" : "REQUIRED",
}));

/** One row per ID, the newest ProcessTime: what the streamed table cannot promise by itself. */
export function bigQueryViewSql(table: string): string {
  return `SELECT * FROM \`${table}\` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY ${KEY_COLUMN} ORDER BY ProcessTime DESC, RTimeStamp DESC) = 1`;
}
