import { WRITTEN_COLUMNS } from "./bigquery-rows.js";

/** A column in BigQuery's REST words. */
export interface BigQueryColumn {
  readonly name: string;
  readonly type: "INTEGER" | "STRING" | "TIMESTAMP" | "BOOLEAN";
}

/** The columns of the table, in the order they are written. */
export function bigQuerySchema(): readonly BigQueryColumn[] {
  return WRITTEN_COLUMNS.map((name) => ({ name, type: typeOf(name) }));
}

/** One row per ID, the newest ProcessTime: what the streamed table cannot promise by itself. */
export function bigQueryViewSql(table: string): string {
  return `SELECT * FROM \`${table}\` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY ID ORDER BY ProcessTime DESC, RTimeStamp DESC) = 1`;
}

function typeOf(name: (typeof WRITTEN_COLUMNS)[number]): BigQueryColumn["type"] {
  if (name === "Meta") return "STRING";
  if (name === "Late") return "BOOLEAN";
  return name.includes("Time") ? "TIMESTAMP" : "INTEGER";
}
