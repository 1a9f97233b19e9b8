import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { DuckDb } from "../../shared/duckdb.js";
import type { FileTable } from "./file-table.js";

/** Above this, counting the lines of a file for the sake of a message takes too long. */
const MAX_COUNTED_BYTES = 2 ** 30;
const LINE_FEED = 10;

/**
 * True if line numbers follow from row numbers. DuckDB does not tell the line of a row; but
 * rejected rows, line ends inside quotes and lines passed over all make lines more than rows, so
 * equal counts are proof. Reads the file twice more, in a database of its own.
 */
export async function rowsAreLines(table: FileTable): Promise<boolean> {
  const { headerLines, file } = table;
  if (headerLines === undefined || file.sizeBytes > MAX_COUNTED_BYTES) return false;
  const db = await DuckDb.openInMemory();
  try {
    const rows = await countRows(db, table.scan("crunch_count_rejects"));
    return (await countLines(table)) === rows + headerLines;
  } finally {
    db.close();
  }
}

/** @param relation SQL of what follows FROM */
export async function countRows(db: DuckDb, relation: string): Promise<number> {
  const [row] = await db.rows(`SELECT count(*) AS n FROM ${relation}`);
  return Number(row?.n);
}

export async function dropRejects(db: DuckDb, rejectsTable: string): Promise<void> {
  for (const name of [rejectsTable, `${rejectsTable}_scan`]) await db.rows(`DROP TABLE IF EXISTS ${name}`);
}

async function countLines(table: FileTable): Promise<number> {
  let lines = 0;
  let lastByte = LINE_FEED;
  const count = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of bytes) {
      for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, at + 1)) lines += 1;
      lastByte = piece.at(-1) ?? lastByte;
    }
  };
  const file = createReadStream(table.file.path);
  await (table.file.isGzip ? pipeline(file, createGunzip(), count) : pipeline(file, count));
  return lastByte === LINE_FEED ? lines : lines + 1;
}
