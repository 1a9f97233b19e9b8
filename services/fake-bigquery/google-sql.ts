/** GoogleSQL as DuckDB takes it: names and texts are quoted in other ways, the rest is left as it is. */
import { sqlName, sqlText } from "../shared/duckdb.js";

/** A text in either quotes, or a name of one or more parts in backticks. */
const QUOTED = /'(?:[^'\\]|\\.)*'|"((?:[^"\\]|\\.)*)"|`[^`]+`(?:\.`[^`]+`)*/g;
const VIEW =
  /^\s*CREATE\s+(OR\s+REPLACE\s+)?VIEW\s+(IF\s+NOT\s+EXISTS\s+)?`?([^\s`]+)`?\s+(?:OPTIONS\s*\([^)]*\)\s*)?AS\s+([^]*?);?\s*$/i;

/** What a CREATE VIEW says. */
export interface ViewDefinition {
  readonly datasetId: string;
  readonly tableId: string;
  readonly query: string;
  readonly replaces: boolean;
  readonly keeps: boolean;
}

export function duckDbSql(sql: string): string {
  return sql
    .trim()
    .replace(/;$/, "")
    .replace(QUOTED, (quoted: string, text: string | undefined) => {
      if (text !== undefined) return sqlText(text.replace(/\\(.)/g, "$1"));
      if (quoted.startsWith("'")) return sqlText(quoted.slice(1, -1).replace(/\\(.)/g, "$1"));
      const parts = quoted.replaceAll("`", "").split(".");
      // Of three parts the first is the project.
      return (parts.length === 3 ? parts.slice(1) : parts).map(sqlName).join(".");
    });
}

/** @returns undefined if it is no CREATE VIEW */
export function readViewDdl(sql: string): ViewDefinition | undefined {
  const [, replaces, keeps, name = "", query = ""] = VIEW.exec(sql) ?? [];
  const parts = name.replaceAll("`", "").split(".");
  const [tableId = "", datasetId] = parts.reverse();
  if (datasetId === undefined) return undefined;
  return { datasetId, tableId, query, replaces: replaces !== undefined, keeps: keeps !== undefined };
}
