import { sqlText } from "../../shared/duckdb.js";
import type { DuckDb } from "../../shared/duckdb.js";
import { countColumns, delimiterOf, headerNames, numberedColumns, readFirstLine } from "./csv-header.js";
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
  const numbered = numberedColumns(countColumns(firstLine, delimiter));
  const read = (header: boolean, rejects: string): string => {
    const columns = numbered.map((name) => `'${name}': 'VARCHAR'`).join(", ");
    const compression = file.isGzip ? ", compression = 'gzip'" : "";
    // Never `ignore_errors` alone: it loses good rows behind a broken one, which the reject table does not.
    return (
      `read_csv(${sqlText(file.path)}, auto_detect = false, header = ${String(header)}, ` +
      `delim = ${sqlText(delimiter)}, quote = '"', escape = '"', columns = {${columns}}${compression}, ` +
      `store_rejects = true, rejects_table = '${rejects}', rejects_scan = '${rejects}_scan')`
    );
  };
  const names = options.hasHeader
    ? await headerNames(db, read(false, "crunch_header_rejects"), numbered)
    : numbered;
  const relation = (rejects: string): string => read(options.hasHeader, rejects);
  const kinds = await kindsOf(db, relation("crunch_sample_rejects"), numbered);
  return {
    file,
    columns: numbered.map((exact, index) => ({
      name: names[index] ?? exact,
      exact,
      exactType: "VARCHAR",
      typed: typedSql(exact, kinds[index] ?? "text"),
    })),
    relation,
    scan: relation,
    rowText: undefined,
    line: undefined,
    headerLines: options.hasHeader ? 1 : 0,
    hasRejects: true,
    expectedRows: undefined,
  };
}
