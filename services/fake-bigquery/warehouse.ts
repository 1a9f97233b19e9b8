import type { Json, RowFault } from "./faults.js";
import type { FakeField } from "./values.js";
import { checkRow, isInPartitionWindow, timestampUs } from "./values.js";

/** For how long BigQuery remembers an insertId, at best. */
const INSERT_ID_MEMORY_MS = 60_000;

export interface InsertRequest {
  readonly skipInvalidRows?: boolean;
  readonly ignoreUnknownValues?: boolean;
  readonly rows: readonly { readonly insertId?: string; readonly json: Json }[];
}

export interface InsertError {
  readonly index: number;
  readonly errors: readonly Json[];
}

/** One table or view, and its rows exactly as they were sent. */
export class FakeTable {
  resource: Json;
  readonly rows: Json[] = [];
  readonly #rememberedIds = new Map<string, number>();
  /** By key: where its row is, and the sequence number of the change that it came with. */
  readonly #changes = new Map<string, { readonly place: number; sequence: readonly bigint[] }>();

  constructor(resource: Json) {
    this.resource = { type: "view" in resource ? "VIEW" : "TABLE", ...resource };
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
      else if (!this.#isKnown(insertId, options)) this.rows.push(json);
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
    // One by one: a spread of many rows would be too many arguments.
    for (const row of rows) this.rows.push(row);
    return undefined;
  }

  /** What is wrong with a row for this table now; undefined if it can be stored. */
  check(row: Json, nowMs: number): RowFault | undefined {
    return checkRow(row, this.fields, false) ?? this.#checkPartition(row, nowMs);
  }

  append(rows: readonly Json[]): void {
    for (const row of rows) this.rows.push(row);
  }

  /** Columns of the primary key, which BigQuery does not enforce. */
  get keyColumns(): readonly string[] {
    const { primaryKey } = (this.resource.tableConstraints ?? {}) as { primaryKey?: { columns?: string[] } };
    return primaryKey?.columns ?? [];
  }

  /** Change data capture: the row of a key with the highest sequence stays, of several the last that came. */
  upsert(row: Json, sequence: readonly bigint[]): void {
    const key = JSON.stringify(this.keyColumns.map((column) => row[column]));
    const known = this.#changes.get(key);
    if (known === undefined) {
      this.#changes.set(key, { place: this.rows.push(row) - 1, sequence });
    } else if (!isBefore(sequence, known.sequence)) {
      this.rows[known.place] = row;
      known.sequence = sequence;
    }
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
    this.#rememberedIds.set(insertId, options.nowMs);
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

function isBefore(sequence: readonly bigint[], than: readonly bigint[]): boolean {
  for (let section = 0; section < Math.max(sequence.length, than.length); section++) {
    const [own, other] = [sequence[section] ?? 0n, than[section] ?? 0n];
    if (own !== other) return own < other;
  }
  return false;
}
