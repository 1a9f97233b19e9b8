import type { Json, RowFault } from "./faults.js";
import type { RowStore } from "./rows.js";
import { MemoryRows } from "./rows.js";
import type { FakeField } from "./values.js";
import { checkRow, isInPartitionWindow, timestampUs } from "./values.js";

/** For how long BigQuery remembers an insertId, at best. */
const INSERT_ID_MEMORY_MS = 60_000;
/** And how many, at best. */
const MAX_INSERT_IDS = 500_000;

export interface InsertRequest {
  readonly skipInvalidRows?: boolean;
  readonly ignoreUnknownValues?: boolean;
  readonly rows: readonly { readonly insertId?: string; readonly json: Json }[];
}

export interface InsertError {
  readonly index: number;
  readonly errors: readonly Json[];
}

/** One table or view, and its rows. */
export class FakeTable {
  resource: Json;
  readonly store: RowStore;
  readonly #rememberedIds = new Map<string, number>();

  constructor(resource: Json, store: RowStore = new MemoryRows()) {
    this.store = store;
    this.resource = { type: "view" in resource ? "VIEW" : "TABLE", ...resource };
  }

  /** The rows exactly as they were sent. */
  get rows(): readonly Json[] {
    return this.store.all;
  }

  get fields(): readonly FakeField[] {
    return (this.resource.schema as { fields?: readonly FakeField[] } | undefined)?.fields ?? [];
  }

  /** insertAll: rows go in, repeated insertIds once, and each row that does not is named. */
  insert(
    request: InsertRequest,
    options: {
      nowMs: number;
      remembersInsertIds: boolean;
      rowErrors: ((row: Json, index: number) => RowFault | undefined) | undefined;
    },
  ): readonly InsertError[] {
    const faults = request.rows.map(
      ({ json }, index) =>
        options.rowErrors?.(json, index) ??
        checkRow(json, this.fields, request.ignoreUnknownValues === true) ??
        this.#checkPartition(json, options.nowMs),
    );
    const stops = request.skipInvalidRows !== true && faults.some((fault) => fault !== undefined);
    const errors: InsertError[] = [];
    request.rows.forEach(({ insertId, json }, index) => {
      const fault = faults[index] ?? (stops ? { reason: "stopped" } : undefined);
      if (fault !== undefined) errors.push({ index, errors: [rowError(fault)] });
      else if (!this.#isKnown(insertId, options)) this.store.push(json);
    });
    return errors;
  }

  /** A load job: all rows, or none and what is wrong with the first bad one. @returns its line, from 0 */
  load(
    rows: readonly Json[],
    rowErrors: ((row: Json, index: number) => RowFault | undefined) | undefined,
  ): { readonly line: number; readonly fault: RowFault } | undefined {
    for (const [line, row] of rows.entries()) {
      const fault = rowErrors?.(row, line) ?? checkRow(row, this.fields, false);
      if (fault !== undefined) return { line, fault };
    }
    this.append(rows);
    return undefined;
  }

  /** What is wrong with a row for this table now; undefined if it can be stored. */
  check(row: Json, nowMs: number): RowFault | undefined {
    return checkRow(row, this.fields, false) ?? this.#checkPartition(row, nowMs);
  }

  append(rows: readonly Json[]): void {
    for (const row of rows) this.store.push(row);
  }

  /** Columns of the primary key, which BigQuery does not enforce. */
  get keyColumns(): readonly string[] {
    const { primaryKey } = (this.resource.tableConstraints ?? {}) as { primaryKey?: { columns?: string[] } };
    return primaryKey?.columns ?? [];
  }

  upsert(row: Json, sequence: readonly bigint[]): void {
    this.store.upsert(JSON.stringify(this.keyColumns.map((column) => row[column])), { json: row, sequence });
  }

  /** What the view over the table shows: one row per ID, the newest ProcessTime. */
  newestPerId(): Json[] {
    const newest = new Map<string, Json>();
    for (const row of this.rows) {
      const id = String(row.ID);
      const kept = newest.get(id);
      if (kept === undefined || isNewer(row, kept)) newest.set(id, row);
    }
    return [...newest.values()];
  }

  #isKnown(insertId: string | undefined, options: { nowMs: number; remembersInsertIds: boolean }): boolean {
    if (insertId === undefined || !options.remembersInsertIds) return false;
    const seenAtMs = this.#rememberedIds.get(insertId);
    if (seenAtMs !== undefined && options.nowMs - seenAtMs < INSERT_ID_MEMORY_MS) return true;
    // Behind the others: the first is the oldest.
    this.#rememberedIds.delete(insertId);
    this.#rememberedIds.set(insertId, options.nowMs);
    if (this.#rememberedIds.size > MAX_INSERT_IDS) {
      const [oldest = ""] = this.#rememberedIds.keys();
      this.#rememberedIds.delete(oldest);
    }
    return false;
  }

  #checkPartition(row: Json, nowMs: number): RowFault | undefined {
    const field = (this.resource.timePartitioning as { field?: string } | undefined)?.field;
    const us = field === undefined ? undefined : timestampUs(row[field]);
    if (us === undefined || isInPartitionWindow(us, nowMs)) return undefined;
    return {
      reason: "invalid",
      message: `Value ${String(us)} for field ${String(field)} is outside of the partition window`,
    };
  }
}

function rowError(fault: RowFault): Json {
  return {
    reason: fault.reason,
    location: fault.location ?? "",
    debugInfo: "",
    message: fault.message ?? "",
  };
}

function isNewer(row: Json, than: Json): boolean {
  for (const column of ["ProcessTime", "RTimeStamp"]) {
    const [us, thanUs] = [timestampUs(row[column]) ?? 0n, timestampUs(than[column]) ?? 0n];
    if (us !== thanUs) return us > thanUs;
  }
  return true;
}
