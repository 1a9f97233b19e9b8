import { sqlText } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import type { InputFile } from "./file-format.js";
import type { FileColumn, FileTable } from "./file-table.js";
import { SAMPLE_ROWS, kindsOf, typedSql } from "./column-kinds.js";

/**
 * JSON and NDJSON as one JSON text a row, `json`, from which columns are taken in SQL, so that a
 * value of another type or a broken NDJSON line is only its own row. A broken element of a JSON
 * array ends the reading: behind it nobody knows where the next one starts.
 */
export async function jsonTable(db: DuckDb, file: InputFile): Promise<FileTable> {
  const isLines = file.format === "ndjson";
  const scan = isLines ? (rejects: string) => lines(file, rejects) : () => elements(file);
  const relation = (rejects: string): string => (isLines ? rowsOf(scan(rejects)) : scan(rejects));
  const sample = relation("sample_rejects");
  const columns = await columnsOf(db, sample);
  return {
    file,
    columns,
    relation,
    scan,
    rowText: "json",
    line: isLines ? "line" : undefined,
    headerLines: isLines ? 0 : undefined,
    hasRejects: isLines,
    expectedRows: undefined,
  };
}

/** Lines with their numbers, without the blank ones. */
function rowsOf(scan: string): string {
  return `(SELECT json, line FROM (SELECT json, row_number() OVER () AS line FROM ${scan}) WHERE trim(json) <> '')`;
}

/** A line that is no UTF-8 or longer than 2 MB is rejected. */
function lines(file: InputFile, rejectsTable: string): string {
  const read = [
    sqlText(file.path),
    "auto_detect = false, header = false, delim = '', quote = '', escape = ''",
    "columns = {'json': 'VARCHAR'}",
    ...(file.isGzip ? ["compression = 'gzip'"] : []),
    `store_rejects = true, rejects_table = ${sqlText(rejectsTable)}, rejects_scan = ${sqlText(`${rejectsTable}_scan`)}`,
  ];
  return `read_csv(${read.join(", ")})`;
}

function elements(file: InputFile): string {
  const compression = file.isGzip ? ", compression = 'gzip'" : "";
  return `(SELECT CAST(json AS VARCHAR) AS json FROM read_json_objects(${sqlText(file.path)}, format = 'auto'${compression}))`;
}

async function columnsOf(db: DuckDb, relation: string): Promise<FileColumn[]> {
  const [row] = await db.rows(
    `SELECT json_group_structure(CAST(json AS JSON))::VARCHAR AS structure
     FROM (SELECT json FROM ${relation} WHERE json_valid(json) AND json_type(json) = 'OBJECT' LIMIT ${String(SAMPLE_ROWS)})`,
  );
  const structure = row?.structure;
  if (typeof structure !== "string") return [];
  const types = Object.entries(JSON.parse(structure) as Record<string, unknown>);
  const texts = types.map(([name]) => textOf(name));
  const kinds = await kindsOf(db, relation, texts);
  return types.map(([name, type], index) => {
    const exact = texts[index] ?? "";
    return { name, exact, exactType: "VARCHAR", typed: typedOf(name, type, kinds[index] ?? "text") };
  });
}

function typedOf(name: string, type: unknown, kind: Parameters<typeof typedSql>[1]): string {
  const text = textOf(name);
  if (kind !== "text" || type === "VARCHAR") return typedSql(text, kind);
  if (type === "BOOLEAN") return `TRY_CAST(${text} AS BOOLEAN)`;
  // Objects, arrays and mixtures stay JSON, for DuckDB's JSON functions.
  return `TRY(json_extract(json, ${pointerTo(name)}))`;
}

/** NULL for a broken line, as for a line without the key. */
function textOf(name: string): string {
  return `TRY(json_extract_string(json, ${pointerTo(name)}))`;
}

function pointerTo(name: string): string {
  return sqlText(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}
