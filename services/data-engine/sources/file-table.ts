import type { InputFile } from "./file-format.js";

/** A column of a file. */
export interface FileColumn {
  readonly name: string;
  /** The value exactly as the file has it: text in text formats, its own type in Parquet. */
  readonly exact: string;
  readonly exactType: string;
  /** What an expression sees under the column's name; NULL where the value is not of that type. */
  readonly typed: string;
}

/** A file as DuckDB reads it. All members but `columns` are SQL. */
export interface FileTable {
  readonly file: InputFile;
  readonly columns: readonly FileColumn[];
  /**
   * What follows FROM: one row for each row of the file, in the order of the file.
   * Where rows can be broken in their structure, they are left out and kept in `rejectsTable`.
   */
  relation(rejectsTable: string): string;
  /** The same with the lines that are no rows, for counting. */
  scan(rejectsTable: string): string;
  /** Over `relation`: the row as the file has it, if it is one text. */
  readonly rowText: string | undefined;
  /** Over `relation`: the line of the row, counted from 1 over `scan`, if rows are not all of them. */
  readonly line: string | undefined;
  /** Lines before the first row if a row is usually a line; undefined in formats without lines. */
  readonly headerLines: number | undefined;
  readonly hasRejects: boolean;
  readonly expectedRows: number | undefined;
}
