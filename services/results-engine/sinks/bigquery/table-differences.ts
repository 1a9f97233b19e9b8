/** A table and its view as BigQuery tells them, against those that the sink would make. */
import { BIGQUERY_COLUMNS } from "./schema.js";
import type { BigQueryColumn } from "./schema.js";
import { isKeyedById, typeOf } from "./table.js";
import type { Field, Json } from "./table.js";
import type { BigQueryTarget } from "./uri.js";
import { KEY_COLUMN } from "../row-schema.js";
import { addition, refusal } from "../sink-schema.js";
import type { SchemaComparison, SchemaDifference } from "../sink-schema.js";

const ANEW = "make it anew under another name and copy the rows";

/** The columns that a table lacks, as they can be added to one that has rows. */
export function missingColumns(table: Json): BigQueryColumn[] {
  const found = new Set(fieldsOf(table).map(({ name }) => name?.toLowerCase()));
  return BIGQUERY_COLUMNS.filter(({ name }) => !found.has(name.toLowerCase())).map((column) => ({
    ...column,
    mode: "NULLABLE",
  }));
}

/**
 * A column that may be NULL where ours is REQUIRED is no difference: every row of ours fills it, and
 * BigQuery turns no column back.
 */
export function compareTable(table: Json, target: BigQueryTarget, name: string): SchemaComparison {
  if (typeof table.type === "string" && table.type !== "TABLE") {
    const problem = `${name} is a ${table.type}, where a table is needed`;
    return { differences: [refusal(problem, "rename or drop it, or name another table in SINK")], notes: [] };
  }
  const differences: SchemaDifference[] = missingColumns(table).map((column) => {
    const what = `column ${column.name} ${column.type}`;
    return addition(`${what} is missing`, `added ${what}, NULL in the rows before`);
  });
  const notes: string[] = [];
  const ours = new Map(BIGQUERY_COLUMNS.map((column) => [column.name.toLowerCase(), column]));
  for (const field of fieldsOf(table)) {
    const column = ours.get(field.name?.toLowerCase() ?? "");
    const difference = column === undefined ? foreignColumn(field, notes) : changedColumn(field, column);
    if (difference !== undefined) differences.push(difference);
  }
  differences.push(...layoutDifferences(table, target));
  if (!isKeyedById(table)) {
    const problem = `no primary key (${KEY_COLUMN}) is declared`;
    if (target.mode !== "upsert") notes.push(`${problem}, which only mode=upsert needs`);
    else {
      const why = `one with rows gets none from us; \`ALTER TABLE \`${name}\` ADD PRIMARY KEY (${KEY_COLUMN}) NOT ENFORCED\` does it`;
      differences.push(refusal(problem, why));
    }
  }
  return { differences, notes };
}

/** @param view as BigQuery tells it; undefined if there is none */
export function compareView(view: Json | undefined, wanted: Json): SchemaDifference[] {
  const { tableId } = wanted.tableReference as { tableId: string };
  if (view === undefined) return [addition(`view ${tableId} is missing`, `made view ${tableId}`)];
  const found = queryOf(view);
  if (found === undefined) {
    const problem = `${tableId} is a ${String(view.type)}, where a view is needed`;
    return [refusal(problem, "rename or drop it, and the next apply makes the view")];
  }
  if (found === queryOf(wanted)) return [];
  const problem = `view ${tableId} has another query than \`crunch schema show\` prints`;
  return [refusal(problem, "somebody may want it so; drop the view, and the next apply makes it anew")];
}

/** Compared without the blanks and the semicolon that people leave at an end. */
function queryOf(view: Json): string | undefined {
  const query = (view.view as { query?: unknown } | undefined)?.query;
  return typeof query === "string" ? query.trim().replace(/\s*;$/, "") : undefined;
}

function changedColumn(field: Field, { name, type }: BigQueryColumn): SchemaDifference | undefined {
  if (field.mode === "REPEATED") {
    return refusal(
      `column ${name} is REPEATED ${typeOf(field)}, where ${type} is needed`,
      `a column keeps its mode; ${ANEW}`,
    );
  }
  if (typeOf(field) === type) return undefined;
  return refusal(
    `column ${name} is ${typeOf(field)}, where ${type} is needed`,
    `a column keeps its type; ${ANEW}`,
  );
}

function foreignColumn(field: Field, notes: string[]): SchemaDifference | undefined {
  const what = `column ${String(field.name)} ${typeOf(field)}`;
  if (field.mode === "REQUIRED") {
    const why = `no row fills it; \`ALTER TABLE ... ALTER COLUMN ${String(field.name)} DROP NOT NULL\` lets rows in`;
    return refusal(`${what} is REQUIRED and no column of ours`, why);
  }
  notes.push(`${what} is no column of ours and stays NULL`);
  return undefined;
}

function layoutDifferences(table: Json, { partition, cluster }: BigQueryTarget): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  const wanted = partition === "none" ? "whole" : `cut by ${partition} of DTimeStamp`;
  const found = partitioningOf(table);
  if (found !== wanted) {
    differences.push(
      refusal(
        `the table is ${found}, where partition=${partition} asks for ${wanted}`,
        `a table keeps its partitioning; ${ANEW}, or ask for what is there`,
      ),
    );
  }
  const clustered = (table.clustering as { fields?: unknown } | undefined)?.fields;
  const names = Array.isArray(clustered) && clustered.length > 0 ? clustered.join(",") : "none";
  const asked = cluster.length === 0 ? "none" : cluster.join(",");
  if (names.toLowerCase() !== asked.toLowerCase()) {
    differences.push(
      refusal(
        `the table is clustered by ${names}, where cluster=${asked} asks for ${asked}`,
        "it would sort only the rows to come; `bq update --clustering_fields` does it, or ask for what is there",
      ),
    );
  }
  return differences;
}

function partitioningOf(table: Json): string {
  const byTime = table.timePartitioning as { type?: string; field?: string } | undefined;
  if (byTime !== undefined) {
    const field = byTime.field ?? "the time of arrival";
    return `cut by ${(byTime.type ?? "DAY").toLowerCase()} of ${field}`;
  }
  const byRange = table.rangePartitioning as { field?: string } | undefined;
  return byRange === undefined ? "whole" : `cut by ranges of ${String(byRange.field)}`;
}

function fieldsOf(table: Json): readonly Field[] {
  return (table.schema as { fields?: readonly Field[] } | undefined)?.fields ?? [];
}
