/**
 * `file:PATH?id=COL&data=COL&meta=COL`: the rows of a file, in order, with constant memory.
 *
 * - A COL is a column by its exact name, else in any case, else an SQL expression over the columns.
 *   No `id`: the number of the row, from 1. No `data`, no `meta`: the columns of these names, if any.
 * - ID and Data are whole int64s, exactly. A fraction, a text, a NULL or a number out of range makes
 *   a bad row; a floating-point number counts below 2^53, a boolean as 0 or 1. A Meta of NULL is empty.
 * - In CSV and JSON an expression sees a column as what most of the first 20,480 values are (whole
 *   number, floating point, ISO date or timestamp, else text), and NULL for a value that is not;
 *   a column named by itself is read as it is written.
 * - Rows that cannot be taken apart (columns too many or too few, a broken quote, no UTF-8) are bad
 *   rows behind all others, and rows are numbered without them. A broken JSON array ends the source with
 *   `stop`; a .gz is unpacked once before the first row, as a broken one would go unnoticed.
 * - Further parameters: `format=csv|tsv|json|ndjson|parquet`, and for CSV `header=false`, `delim=`.
 */
import { DuckDb } from "../../shared/duckdb.js";
import type { QueryChunk } from "../../shared/duckdb-chunk.js";
import { EngineError, UserError, messageOf } from "../../shared/errors.js";
import { allowParams } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { badRowOf, findBadRow } from "./bad-row.js";
import { csvTable } from "./csv-table.js";
import { findFile } from "./file-format.js";
import { checkGzip } from "./gzip-check.js";
import { countRows, dropRejects, rowsAreLines } from "./file-lines.js";
import type { FileTable } from "./file-table.js";
import { jsonTable } from "./json-table.js";
import { parquetTable } from "./parquet-table.js";
import { rejectedRows } from "./rejected-rows.js";
import { COLUMN, rowQuery } from "./row-query.js";
import type { RowQuery } from "./row-query.js";
import { fillRange } from "./sequence.js";
import type { BadRow, Source, SourceChunk } from "./source.js";

const PARAMS = ["id", "data", "meta", "format", "header", "delim"] as const;

/** @throws UserError when the file, a column or an expression is not as the URI says */
export async function openFileSource(uri: PluginUri): Promise<Source> {
  allowParams("SOURCE", uri, PARAMS);
  const db = await DuckDb.openInMemory();
  try {
    const table = await openTable(db, uri);
    // An export of nothing has no columns to check, and is no mistake.
    const isEmpty =
      table.columns.length === 0 &&
      table.rowText !== undefined &&
      (await countRows(db, table.relation("crunch_open_rejects"))) === 0;
    return new FileSource(db, table, isEmpty ? undefined : await rowQuery(db, table, uri.params), uri.text);
  } catch (thrown) {
    db.close();
    if (thrown instanceof UserError) throw new UserError(`SOURCE="${uri.text}": ${thrown.message}`);
    throw new UserError(`SOURCE="${uri.text}": ${messageOf(thrown).split("\n")[0] ?? ""}`, { cause: thrown });
  }
}

async function openTable(db: DuckDb, uri: PluginUri): Promise<FileTable> {
  const file = await findFile(uri);
  if (file.isGzip) await checkGzip(file.path);
  const header = uri.params.get("header") ?? "true";
  if (header !== "true" && header !== "false") {
    throw new UserError(`header=${header} must be true or false`);
  }
  switch (file.format) {
    case "csv":
    case "tsv":
      return csvTable(db, file, { hasHeader: header === "true", delimiter: uri.params.get("delim") });
    case "json":
    case "ndjson":
      return jsonTable(db, file);
    case "parquet":
      return parquetTable(db, file);
  }
}

class FileSource implements Source {
  readonly paced = false;
  readonly expectedRecords: number | undefined;
  readonly #db: DuckDb;
  readonly #table: FileTable;
  readonly #query: RowQuery | undefined;
  readonly #text: string;
  #scans = 0;
  #rowsAreLines: Promise<boolean> | undefined;

  constructor(db: DuckDb, table: FileTable, query: RowQuery | undefined, text: string) {
    this.#db = db;
    this.#table = table;
    this.#query = query;
    this.#text = text;
    this.expectedRecords = table.expectedRows;
  }

  async *chunks(fromPosition: number, signal: AbortSignal): AsyncGenerator<SourceChunk, void, undefined> {
    if (this.#query === undefined || signal.aborted) return;
    this.#scans += 1;
    const rejectsTable = `crunch_rejects_${String(this.#scans)}`;
    const isStopped = (): boolean => signal.aborted;
    let position = fromPosition;
    try {
      for await (const rows of this.#db.stream(this.#query.sql(rejectsTable, fromPosition))) {
        if (isStopped()) return;
        const chunk = await this.#chunkOf(this.#query, rows, position);
        position = chunk.endPosition;
        yield chunk;
      }
      if (!this.#table.hasRejects) return;
      // Rows that are broken in their structure come last: DuckDB names them when the scan is done.
      const firstReject = position > fromPosition || position === 0 ? position : await this.#countRows();
      for await (const chunk of rejectedRows(this.#db, rejectsTable, firstReject, fromPosition)) {
        if (isStopped()) return;
        position = chunk.endPosition;
        yield chunk;
      }
    } catch (thrown) {
      throw new EngineError(
        "source_broken",
        "stop",
        `SOURCE="${this.#text}" breaks after row ${String(position)}: ${messageOf(thrown)}`,
        { cause: thrown },
      );
    } finally {
      if (this.#table.hasRejects) await dropRejects(this.#db, rejectsTable);
    }
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  async #chunkOf(query: RowQuery, rows: QueryChunk, position: number): Promise<SourceChunk> {
    const count = rows.rowCount;
    const data = rows.int64s(COLUMN.data);
    const meta = rows.texts(COLUMN.meta);
    const ids = query.hasId
      ? rows.int64s(COLUMN.id)
      : fillRange(new BigInt64Array(count), position + 1, count);
    const endPosition = position + count;
    const bad: BadRow[] = [];
    if (!rows.hasAny(COLUMN.bad)) return { ids, data, meta, bad, endPosition };
    let good = 0;
    for (let row = 0; row < count; row += 1) {
      if (rows.has(COLUMN.bad, row)) {
        const found = findBadRow(query, rows, row);
        const place = await this.#placeOf(position + row, found.texts[4]);
        bad.push(badRowOf(query, found, position + row, place));
        continue;
      }
      if (good < row) {
        ids[good] = ids[row] ?? 0n;
        data[good] = data[row] ?? 0n;
        meta[good] = meta[row] ?? "";
      }
      good += 1;
    }
    const cut = { ids: ids.slice(0, good), data: data.slice(0, good), meta: meta.slice(0, good) };
    return { ...cut, bad, endPosition };
  }

  /** Where a row is, for people: its line where that is certain. */
  async #placeOf(position: number, line: string | null): Promise<string> {
    this.#rowsAreLines ??= rowsAreLines(this.#table).catch(() => false);
    if (!(await this.#rowsAreLines)) return `row ${String(position + 1)}`;
    return `line ${line ?? String(position + 1 + (this.#table.headerLines ?? 0))}`;
  }

  async #countRows(): Promise<number> {
    const db = await DuckDb.openInMemory();
    try {
      return await countRows(db, this.#table.relation("crunch_count_rejects"));
    } finally {
      db.close();
    }
  }
}
