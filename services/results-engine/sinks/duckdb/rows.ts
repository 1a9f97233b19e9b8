/** Rows that are all new, appended to the table as columns. */
import type { DuckDb } from "../../../shared/duckdb.js";
import type { ColumnAppender, ColumnType } from "../../../shared/duckdb-columns.js";
import type { WriteTime } from "./table.js";
import { joinedParts } from "./joined-parts.js";
import { ROW_COLUMNS } from "../row-schema.js";
import type { RowColumn } from "../row-schema.js";
import type { Batch } from "../sink.js";

const TYPES: readonly ColumnType[] = ROW_COLUMNS.map(appendedType);

/** Not to be used any more once a method threw: {@link discard} it and open the next. */
export class DuckDbRows {
  readonly #appender: ColumnAppender;
  /** RTimeStamp of a part, and Late; kept because every part needs them. */
  #times = new BigInt64Array(0);
  #late = new Uint8Array(0);

  private constructor(appender: ColumnAppender) {
    this.#appender = appender;
  }

  /** @param table its name as it is, not as SQL */
  static async open(db: DuckDb, table: string): Promise<DuckDbRows> {
    return new DuckDbRows(await db.appender(table, TYPES));
  }

  /**
   * Appends to the table, within the transaction that is open.
   *
   * @returns how many of the rows are late
   */
  append(batch: Batch, { nowUs, lateAfterUs }: WriteTime): number {
    const parts = joinedParts(batch.parts);
    const most = parts.reduce((rows, { count }) => Math.max(rows, count), 0);
    if (this.#times.length < most) {
      this.#times = new BigInt64Array(most);
      this.#late = new Uint8Array(most);
    }
    this.#times.fill(BigInt(nowUs), 0, most);
    let late = 0;
    for (const { ids, data, meta, dTimeStampsUs, rData, processTimesUs, own, count } of parts) {
      late += this.#markLate(dTimeStampsUs, count, nowUs - lateAfterUs);
      const fields = [ids, data, meta, dTimeStampsUs, rData, processTimesUs];
      this.#appender.append([...fields, this.#times, this.#late, ...own], count);
    }
    this.#appender.flush();
    return late;
  }

  discard(): void {
    this.#appender.discard();
  }

  /** In halves of 64 bits, which spares a bigint a row; exact for the next two centuries. */
  #markLate(dTimeStampsUs: BigInt64Array, count: number, dueUs: number): number {
    const { buffer, byteOffset } = dTimeStampsUs;
    const low = new Uint32Array(buffer, byteOffset, count * 2);
    const high = new Int32Array(buffer, byteOffset, count * 2);
    let late = 0;
    for (let row = 0; row < count; row += 1) {
      const isLate = (high[2 * row + 1] ?? 0) * 2 ** 32 + (low[2 * row] ?? 0) < dueUs ? 1 : 0;
      this.#late[row] = isLate;
      late += isLate;
    }
    return late;
  }
}

/** What a column is to the appender. */
export function appendedType({ type }: RowColumn): ColumnType {
  return type === "string" ? "text" : type;
}
