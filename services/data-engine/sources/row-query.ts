/** The parameters `id`, `data` and `meta` over a file's table, as one query of exact int64s. */
import { sqlName } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import { UserError, messageOf } from "../../shared/errors.js";
import type { FileColumn, FileTable } from "./file-table.js";
import { exactInt64Sql } from "./int64-sql.js";

/** Columns of the query. */
export const COLUMN = { data: 0, meta: 1, bad: 2, id: 3 } as const;

/** What `COLUMN.bad` holds as JSON for a bad row; NULL for a good one. */
export type BadTexts = readonly [
  id: string | null,
  data: string | null,
  meta: string | null,
  row: string | null,
  line: string | null,
];

export type Role = "id" | "data" | "meta";

export interface RowQuery {
  /** False: the row number is the ID. */
  readonly hasId: boolean;
  /** The expression of a role; undefined if the role is a column taken as it is. */
  expressionOf(role: Role): string | undefined;
  typeOf(role: Role): string;
  sql(rejectsTable: string, fromRow: number): string;
}

interface Choice {
  readonly role: Role;
  readonly text: string;
  readonly column: FileColumn | undefined;
}

/**
 * Each of the three is a column by its exact name, else by its name in any case, else an SQL
 * expression over the columns.
 *
 * @throws UserError when one is neither, or can never be an int64
 */
export async function rowQuery(
  db: DuckDb,
  table: FileTable,
  params: ReadonlyMap<string, string>,
): Promise<RowQuery> {
  const choices = chooseColumns(table, params);
  const probe = "crunch_probe_rejects";
  const types = new Map<Role, string>();
  for (const choice of choices) {
    const described = await db
      .describe(valuesSql(table, [choice], probe, 0))
      .catch((thrown: unknown) => noColumn(table, choice, messageOf(thrown)));
    const type = described.find(({ name }) => name === choice.role)?.type ?? "";
    types.set(choice.role, type);
    if (choice.role !== "meta" && exactInt64Sql("x", type) === undefined) {
      throw new UserError(`${choice.role}=${choice.text} is a ${type}, which is no whole number`);
    }
  }
  const exact = (role: Role): string => exactInt64Sql(sqlName(role), types.get(role) ?? "") ?? "NULL";
  const hasId = types.has("id");
  const hasMeta = types.has("meta");
  return {
    hasId,
    expressionOf: (role) =>
      choices.find((choice) => choice.role === role && choice.column === undefined)?.text,
    typeOf: (role) => types.get(role) ?? "",
    sql: (rejectsTable, fromRow) => `
      SELECT exact_data, ${hasMeta ? "text_meta" : "''"} AS meta,
        CASE WHEN exact_data IS NULL ${hasId ? "OR exact_id IS NULL" : ""} THEN CAST(to_json([
          ${hasId ? "CAST(id AS VARCHAR)" : "NULL"}, CAST(data AS VARCHAR), ${hasMeta ? "text_meta" : "NULL"}, crunch_row, crunch_line
        ]) AS VARCHAR) END AS bad
        ${hasId ? ", exact_id" : ""}
      FROM (
        SELECT *, ${exact("data")} AS exact_data
          ${hasId ? `, ${exact("id")} AS exact_id` : ""}
          ${hasMeta ? `, ${metaSql()} AS text_meta` : ""}
        FROM (${valuesSql(table, choices, rejectsTable, fromRow)})
      )`,
  };
}

/** Meta as text. The reader takes one byte order mark off, so one in front is written twice. */
function metaSql(): string {
  const text = "coalesce(TRY_CAST(meta AS VARCHAR), '')";
  return `CASE WHEN starts_with(${text}, chr(65279)) THEN chr(65279) || ${text} ELSE ${text} END`;
}

/** The chosen values under the names of their roles, with the row's own text and line. */
function valuesSql(
  table: FileTable,
  choices: readonly Choice[],
  rejectsTable: string,
  fromRow: number,
): string {
  const exact = choices.flatMap(({ role, column }) =>
    column === undefined ? [] : [`${column.exact} AS crunch_exact_${role}`],
  );
  const row = [
    `CAST(${table.rowText ?? "NULL"} AS VARCHAR) AS crunch_row`,
    `CAST(${table.line ?? "NULL"} AS VARCHAR) AS crunch_line`,
  ];
  const typed = table.columns.map(({ name, typed: sql }) => `${sql} AS ${sqlName(name)}`);
  // TRY makes a row's own failure a NULL. On lines of their own, so that no comment reaches the bracket.
  const values = choices.map(({ role, text, column }) =>
    column === undefined ? `TRY((\n${text}\n)) AS ${role}` : `crunch_exact_${role} AS ${role}`,
  );
  return `SELECT ${values.join(", ")}, crunch_row, crunch_line
    FROM (SELECT ${[...typed, ...exact, ...row].join(", ")}
      FROM ${table.relation(rejectsTable)} OFFSET ${String(fromRow)})`;
}

function chooseColumns(table: FileTable, params: ReadonlyMap<string, string>): Choice[] {
  const choices: Choice[] = [];
  for (const role of ["id", "data", "meta"] as const) {
    const text = params.get(role);
    if (text !== undefined && text.trim() !== "") {
      choices.push({ role, text, column: findColumn(table.columns, text) });
      continue;
    }
    // Without a parameter, `Data` and `Meta` are taken by their names; an ID is never guessed.
    const column = role === "id" ? undefined : findColumn(table.columns, role);
    if (column !== undefined) choices.push({ role, text: column.name, column });
    else if (role === "data") {
      throw new UserError(
        `${table.file.path} has no column Data, so data= must name one or be an SQL expression; columns: ${namesOf(table)}`,
      );
    }
  }
  return choices;
}

function findColumn(columns: readonly FileColumn[], text: string): FileColumn | undefined {
  const lowered = text.toLowerCase();
  return (
    columns.find(({ name }) => name === text) ?? columns.find(({ name }) => name.toLowerCase() === lowered)
  );
}

function noColumn(table: FileTable, { role, text }: Choice, why: string): never {
  const reason = /^(?:\w+ Error: )?(.*?)\s*(?:\n|$)/.exec(why)?.[1] ?? why;
  throw new UserError(
    `${role}=${text} is neither a column nor an SQL expression over the columns (${reason}); columns: ${namesOf(table)}`,
  );
}

function namesOf(table: FileTable): string {
  return table.columns.length === 0 ? "none" : table.columns.map(({ name }) => name).join(", ");
}
