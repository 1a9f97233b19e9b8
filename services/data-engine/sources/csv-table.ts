import { sqlName, sqlText } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import { columnNames, countColumns, delimiterOf, readFirstLine } from "./csv-header.js";
import type { InputFile } from "./file-format.js";
import type { FileTable } from "./file-table.js";
import { kindsOf, typedSql } from "./column-kinds.js";

export interface CsvOptions {
  readonly hasHeader: boolean;
  /** Undefined: a tab in TSV, in CSV as the first line has it. */
  readonly delimiter: string | undefined;
}

/**
 * CSV and TSV. DuckDB's guess of types and quotes goes by the first rows, and a value that does not
 * fit ends its reading. So the dialect is fixed (quotes are `"`, doubled inside), every column is
 * read as text, which cannot fail, and typed in SQL row by row: a bad value is NULL there and only
 * its own row is bad. Rows with too many or too few columns or a broken quote go to DuckDB's reject
 * table.
 */
export async function csvTable(db: DuckDb, file: InputFile, options: CsvOptions): Promise<FileTable> {
  const firstLine = await readFirstLine(file);
  const delimiter = options.delimiter ?? (file.format === "tsv" ? "\t" : delimiterOf(firstLine));
  const count = countColumns(firstLine, delimiter);
  const read = (names: readonly string[], header: boolean, more: string): string => {
    const columns = names.map((name) => `${sqlText(name)}: 'VARCHAR'`).join(", ");
    const compression = file.isGzip ? ", compression = 'gzip'" : "";
    return (
      `read_csv(${sqlText(file.path)}, auto_detect = false, header = ${String(header)}, ` +
      `delim = ${sqlText(delimiter)}, quote = '"', escape = '"', columns = {${columns}}${compression}, ${more})`
    );
  };
  // Never `ignore_errors` alone: it loses good rows behind a broken one, which the reject table does not.
  const rejecting = (rejects: string): string =>
    `store_rejects = true, rejects_table = ${sqlText(rejects)}, rejects_scan = ${sqlText(`${rejects}_scan`)}`;
  const numbered = await columnNames(db, "", count, false);
  const headerRows = read(numbered, false, rejecting("crunch_header_rejects"));
  const names = await columnNames(db, headerRows, count, options.hasHeader);
  const relation = (rejects: string): string => read(names, options.hasHeader, rejecting(rejects));
  const kinds = await kindsOf(db, relation("crunch_sample_rejects"), names.map(sqlName));
  return {
    file,
    columns: names.map((name, index) => {
      const exact = sqlName(name);
      return { name, exact, exactType: "VARCHAR", typed: typedSql(exact, kinds[index] ?? "text") };
    }),
    relation,
    scan: relation,
    rowText: undefined,
    line: undefined,
    headerLines: options.hasHeader ? 1 : 0,
    hasRejects: true,
    expectedRows: undefined,
  };
}
