import { sqlName, sqlText } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import { UserError, messageOf } from "../../shared/errors.js";
import { delimiterOf } from "./csv-delimiter.js";
import type { InputFile } from "./file-format.js";
import type { FileColumn, FileTable } from "./file-table.js";
import { kindsOf, typedSql } from "./number-columns.js";

export interface CsvOptions {
  readonly hasHeader: boolean;
  /** Undefined: a tab in TSV, in CSV as the first line has it. */
  readonly delimiter: string | undefined;
}

interface Sniffed {
  readonly columns: readonly { name: string; type: string }[];
  readonly dateFormat: string | undefined;
  readonly timestampFormat: string | undefined;
}

/**
 * CSV and TSV. DuckDB's types are a guess from the first rows and a value that does not fit ends
 * its reading, so every column is read as text, which cannot fail, and typed in SQL row by row:
 * a bad value is NULL there and only its own row is bad. Rows with too many or too few columns or a
 * broken quote go to DuckDB's reject table.
 */
export async function csvTable(db: DuckDb, file: InputFile, options: CsvOptions): Promise<FileTable> {
  const delimiter = options.delimiter ?? (file.format === "tsv" ? "\t" : await delimiterOf(file));
  const settings = dialect(file, options.hasHeader, delimiter);
  const sniffed = await sniff(db, file, settings);
  const columnTypes = sniffed.columns.map(({ name }) => `${sqlText(name)}: 'VARCHAR'`);
  const read = [
    sqlText(file.path),
    "auto_detect = false",
    ...settings,
    `columns = {${columnTypes.join(", ")}}`,
  ];
  const relation = (rejectsTable: string): string =>
    `read_csv(${read.join(", ")}, store_rejects = true, rejects_table = ${sqlText(rejectsTable)}, rejects_scan = ${sqlText(`${rejectsTable}_scan`)})`;
  const sample = `read_csv(${read.join(", ")}, ignore_errors = true)`;
  const kinds = await kindsOf(
    db,
    sample,
    sniffed.columns.map(({ name }) => sqlName(name)),
  );
  const columns = sniffed.columns.map(({ name, type }, index): FileColumn => {
    const exact = sqlName(name);
    const typed = typedDate(exact, type, sniffed) ?? typedSql(exact, kinds[index] ?? "text");
    return { name, exact, exactType: "VARCHAR", typed };
  });
  return {
    file,
    columns,
    relation,
    scan: relation,
    rowText: undefined,
    line: undefined,
    headerLines: options.hasHeader ? 1 : 0,
    hasRejects: true,
    expectedRows: undefined,
  };
}

/** Nothing of this is guessed: a guess from the first rows fails at the first quote behind them. */
function dialect(file: InputFile, hasHeader: boolean, delimiter: string): string[] {
  return [
    `header = ${String(hasHeader)}`,
    `delim = ${sqlText(delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    "skip = 0",
    "comment = ''",
    ...(file.isGzip ? ["compression = 'gzip'"] : []),
  ];
}

/** Names of the columns, and which of them are dates. */
async function sniff(db: DuckDb, file: InputFile, settings: readonly string[]): Promise<Sniffed> {
  const given = [sqlText(file.path), ...settings, "ignore_errors = true"];
  const [row] = await db
    .rows(
      `SELECT to_json(Columns)::VARCHAR AS columns, DateFormat AS date, TimestampFormat AS timestamp
       FROM sniff_csv(${given.join(", ")})`,
    )
    .catch((thrown: unknown) => {
      if (file.sizeBytes === 0) throw new UserError(`${file.path} is empty, without even a header line`);
      throw new UserError(
        `${file.path} cannot be read as ${file.format}: ${messageOf(thrown).split("\n")[0] ?? ""}`,
      );
    });
  return {
    columns: JSON.parse(String(row?.columns)) as Sniffed["columns"],
    dateFormat: textOr(row?.date),
    timestampFormat: textOr(row?.timestamp),
  };
}

function typedDate(text: string, type: string, sniffed: Sniffed): string | undefined {
  if (type === "DATE" || type === "TIMESTAMP") {
    const format = type === "DATE" ? sniffed.dateFormat : sniffed.timestampFormat;
    if (format === undefined) return `TRY_CAST(${text} AS ${type})`;
    return `CAST(try_strptime(${text}, ${sqlText(format)}) AS ${type})`;
  }
  return type === "TIME" || type === "BOOLEAN" ? `TRY_CAST(${text} AS ${type})` : undefined;
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
