/**
 * Whole columns into DuckDB's vectors: one copy a column instead of a call a value.
 *
 * 64-bit columns and bools are copied as they are. A text of up to 12 bytes lies inside DuckDB's 16-byte
 * string value (length, then bytes, then zeros), so such a column is one copy too; only longer
 * texts take a call each.
 */
import { BIGINT, BOOLEAN, DOUBLE, DuckDBDataChunk, TIMESTAMP, VARCHAR } from "@duckdb/node-api";
import type { DuckDBAppender } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import type { TextColumn } from "./codec/columns.js";

export type ColumnType = "int64" | "timestamp" | "bool" | "float64" | "text";

/** int64 and timestamp (microseconds since the epoch) columns are BigInt64Arrays, bool ones have 0 and 1. */
export type Column = BigInt64Array | Uint8Array | Float64Array | TextColumn;

const TYPES = { int64: BIGINT, timestamp: TIMESTAMP, bool: BOOLEAN, float64: DOUBLE, text: VARCHAR } as const;

/** DuckDB's vector size: the most rows a chunk takes. */
const CHUNK_ROWS = 2_048;
const STRING_BYTES = 16;
const MAX_INLINE_BYTES = 12;

export class ColumnAppender {
  readonly #appender: DuckDBAppender;
  readonly #types: readonly ColumnType[];
  #chunk: DuckDBDataChunk | undefined;
  readonly #strings = new Uint8Array(CHUNK_ROWS * STRING_BYTES);
  readonly #stringWords = new Uint32Array(this.#strings.buffer);

  constructor(appender: DuckDBAppender, types: readonly ColumnType[]) {
    this.#appender = appender;
    this.#types = types;
  }

  /** Appends the first `rows` rows of the columns, in the order of the table. */
  append(columns: readonly Column[], rows: number): void {
    for (let start = 0; start < rows; start += CHUNK_ROWS) {
      this.#appendChunk(columns, start, Math.min(CHUNK_ROWS, rows - start));
    }
  }

  /** Makes what was appended visible to queries of the connection. */
  flush(): void {
    this.#appender.flushSync();
  }

  /** Ends it and drops what was not flushed. Never throws. */
  discard(): void {
    try {
      this.#appender.clear();
      this.#appender.closeSync();
    } catch {
      // An appender that failed may refuse even this; it holds nothing any more.
    }
  }

  #appendChunk(columns: readonly Column[], start: number, rows: number): void {
    // One for all: a chunk lies outside of V8's heap and would stay until its wrapper is collected. Reset, because
    // it would keep every long text it ever held.
    const chunk = (this.#chunk ??= DuckDBDataChunk.create(this.#types.map((type) => TYPES[type])));
    chunk.reset();
    chunk.rowCount = rows;
    const native = chunk.chunk;
    for (const [index, column] of columns.entries()) {
      const vector = duckdb.data_chunk_get_vector(native, index);
      if (ArrayBuffer.isView(column)) {
        const bytes = column.BYTES_PER_ELEMENT;
        const offset = column.byteOffset + start * bytes;
        duckdb.copy_data_to_vector(vector, 0, column.buffer as ArrayBuffer, offset, rows * bytes);
      } else {
        this.#copyTexts(vector, column, start, rows);
      }
    }
    this.#appender.appendDataChunk(chunk);
  }

  #copyTexts(vector: duckdb.Vector, column: TextColumn, start: number, rows: number): void {
    const strings = this.#strings;
    const words = this.#stringWords;
    const { bytes, starts, ends } = column;
    const longRows: number[] = [];
    words.fill(0, 0, rows * 4);
    for (let row = 0; row < rows; row += 1) {
      const from = starts[start + row] ?? 0;
      const length = (ends[start + row] ?? 0) - from;
      if (length > MAX_INLINE_BYTES) {
        longRows.push(row);
        continue;
      }
      words[row * 4] = length;
      const to = row * STRING_BYTES + 4;
      for (let index = 0; index < length; index += 1) strings[to + index] = bytes[from + index] ?? 0;
    }
    duckdb.copy_data_to_vector(vector, 0, strings.buffer, 0, rows * STRING_BYTES);
    for (const row of longRows) {
      const text = bytes.subarray(starts[start + row], ends[start + row]);
      duckdb.vector_assign_string_element_len(vector, row, text);
    }
  }
}
