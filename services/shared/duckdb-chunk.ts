/**
 * Columns out of DuckDB's vectors, by whole columns where their memory allows it: a vector of the library takes a
 * bigint a row to see whether there is a value, and a call of a decoder for each text.
 */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";

const INT64_BYTES = 8;
/** A string value: its length, then up to 12 bytes and zeros, or a pointer to more. */
const STRING_BYTES = 16;
const STRING_WORDS = STRING_BYTES / Uint32Array.BYTES_PER_ELEMENT;
const LENGTH_BYTES = 4;
const MAX_INLINE_BYTES = 12;
/** In four bytes, the bits that ASCII has not. */
const NOT_ASCII = 0x80808080;

/** Rows of a running query, as columns. */
export class QueryChunk {
  readonly rowCount: number;
  readonly #chunk: DuckDBDataChunk;
  /** A bit a row; null if every row has a value. By column. */
  readonly #validity = new Map<number, Uint8Array | null>();

  /** @param rowCount of its rows, the first ones that count */
  constructor(chunk: DuckDBDataChunk, rowCount: number) {
    this.#chunk = chunk;
    this.rowCount = rowCount;
  }

  /** A BIGINT column, as a copy; entries of NULL rows are garbage. */
  int64s(column: number): BigInt64Array {
    const { buffer } = this.#copyOf(column, INT64_BYTES);
    return new BigInt64Array(buffer, 0, this.rowCount);
  }

  /** True if the row has a value in the column. */
  has(column: number, row: number): boolean {
    return isSet(this.#validityOf(column), row);
  }

  /** True if any row has a value in the column. */
  hasAny(column: number): boolean {
    const validity = this.#validityOf(column);
    for (let row = 0; row < this.rowCount; row += 1) if (isSet(validity, row)) return true;
    return false;
  }

  /**
   * A VARCHAR column; NULL becomes an empty text. DuckDB's reader takes one byte order mark off the
   * front of a text: double it in SQL where it must survive.
   */
  texts(column: number): string[] {
    const bytes = this.#copyOf(column, STRING_BYTES);
    const words = new Uint32Array(bytes.buffer, 0, this.rowCount * STRING_WORDS);
    const all = bytes.toString("latin1");
    const validity = this.#validityOf(column);
    const texts = new Array<string>(this.rowCount);
    for (let row = 0, word = 0; row < texts.length; row += 1, word += STRING_WORDS) {
      const length = words[word] ?? 0;
      const bits = (words[word + 1] ?? 0) | (words[word + 2] ?? 0) | (words[word + 3] ?? 0);
      const isShortAscii = length <= MAX_INLINE_BYTES && (bits & NOT_ASCII) === 0 && isSet(validity, row);
      const start = row * STRING_BYTES + LENGTH_BYTES;
      texts[row] = isShortAscii ? all.slice(start, start + length) : this.text(column, row);
    }
    return texts;
  }

  /** One text of a VARCHAR column, as {@link texts} has it. */
  text(column: number, row: number): string {
    const text = this.#chunk.getColumnVector(column).getItem(row);
    return typeof text === "string" ? text : "";
  }

  /** What the vector holds of the rows, in memory of its own. */
  #copyOf(column: number, bytesOfRow: number): Buffer {
    const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, column);
    const bytes = this.rowCount * bytesOfRow;
    const copy = Buffer.from(new ArrayBuffer(bytes));
    copy.set(duckdb.vector_get_data(vector, bytes));
    return copy;
  }

  #validityOf(column: number): Uint8Array | null {
    let validity = this.#validity.get(column);
    if (validity === undefined) {
      const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, column);
      // Null where every row has a value, whatever its type says.
      const bits = duckdb.vector_get_validity(vector, Math.ceil(this.rowCount / 8)) as Uint8Array | null;
      validity = bits === null ? null : bits.slice();
      this.#validity.set(column, validity);
    }
    return validity;
  }
}

function isSet(validity: Uint8Array | null, row: number): boolean {
  return validity === null || ((validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}
