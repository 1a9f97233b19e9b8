import type { DuckDb } from "../../shared/duckdb.js";
import type { SourceChunk } from "./source.js";

/**
 * Rows that DuckDB could not take apart, in the order of the file.
 *
 * @param firstPosition position of the first of them
 * @param fromPosition those before it are skipped
 */
export async function* rejectedRows(
  db: DuckDb,
  rejectsTable: string,
  firstPosition: number,
  fromPosition: number,
): AsyncGenerator<SourceChunk, void, undefined> {
  const skipped = Math.max(0, fromPosition - firstPosition);
  let position = firstPosition + skipped;
  // A row has one error for each column it lacks; the first says it.
  const sql = `
    SELECT CAST(line AS VARCHAR) AS line, message, coalesce(text, '') AS text FROM (
      SELECT min(line) AS line, arg_min(error_message, column_idx) AS message,
        arg_min(csv_line, column_idx) AS text, line_byte_position
      FROM ${rejectsTable} GROUP BY line_byte_position
    ) ORDER BY line_byte_position OFFSET ${String(skipped)}`;
  for await (const rows of db.stream(sql)) {
    const [lines, messages, texts] = [rows.texts(0), rows.texts(1), rows.texts(2)];
    const bad = lines.map((line, row) => ({
      position: position + row,
      reason: `line ${line}: ${messages[row] ?? ""}`,
      row: texts[row] ?? "",
    }));
    position += bad.length;
    yield { ids: new BigInt64Array(0), data: new BigInt64Array(0), meta: [], bad, endPosition: position };
  }
}
