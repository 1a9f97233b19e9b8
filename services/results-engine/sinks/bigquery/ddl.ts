/** Dataset, table and view as GoogleSQL: the same that the sink makes by itself through the REST interface. */
import { BIGQUERY_COLUMNS, bigQueryViewSql } from "./schema.js";
import type { BigQueryColumn } from "./schema.js";
import type { BigQueryTarget } from "./uri.js";
import { KEY_COLUMN } from "../row-schema.js";

/** What DDL calls the types of the REST interface. */
const SQL_TYPES: Readonly<Record<BigQueryColumn["type"], string>> = {
  INTEGER: "INT64",
  STRING: "STRING",
  TIMESTAMP: "TIMESTAMP",
  BOOLEAN: "BOOL",
  FLOAT: "FLOAT64",
};

/** @param descriptions of the table and the view, as their definitions have them */
export function bigQueryDdl(
  target: BigQueryTarget,
  descriptions: { readonly table: string; readonly view: string },
): string[] {
  const { projectId, datasetId, tableId, location, partition, cluster } = target;
  const table = `${projectId}.${datasetId}.${tableId}`;
  const columns = BIGQUERY_COLUMNS.map(
    ({ name, type, mode }) => `  \`${name}\` ${SQL_TYPES[type]}${mode === "REQUIRED" ? " NOT NULL" : ""}`,
  );
  return [
    `CREATE SCHEMA IF NOT EXISTS \`${projectId}.${datasetId}\`` +
      (location === undefined ? "" : `\nOPTIONS (location = ${textLiteral(location)})`),
    [
      `CREATE TABLE IF NOT EXISTS \`${table}\` (`,
      [...columns, `  PRIMARY KEY (\`${KEY_COLUMN}\`) NOT ENFORCED`].join(",\n"),
      ")",
      ...(partition === "none"
        ? []
        : [`PARTITION BY TIMESTAMP_TRUNC(\`DTimeStamp\`, ${partition.toUpperCase()})`]),
      ...(cluster.length === 0 ? [] : [`CLUSTER BY ${cluster.map((name) => `\`${name}\``).join(", ")}`]),
      `OPTIONS (description = ${textLiteral(descriptions.table)})`,
    ].join("\n"),
    `CREATE VIEW IF NOT EXISTS \`${table}_view\`\n` +
      `OPTIONS (description = ${textLiteral(descriptions.view)})\nAS ${bigQueryViewSql(table)}`,
  ];
}

function textLiteral(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
