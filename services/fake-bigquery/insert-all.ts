import type { Answer } from "./answers.js";
import { error } from "./answers.js";
import type { Fault, Json } from "./faults.js";
import type { FakeTable, InsertRequest } from "./warehouse.js";

export interface InsertAllOptions {
  readonly nowMs: () => number;
  readonly remembersInsertIds: boolean;
  readonly leavesKindOut: boolean;
  readonly fault: Fault | undefined;
}

const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_ROWS = 50_000;
const REPLY = "bigquery#tableDataInsertAllResponse";

/** insertAll as BigQuery answers it. */
export function insertAll(table: FakeTable, json: Json, body: Buffer, options: InsertAllOptions): Answer {
  const request = json as unknown as InsertRequest;
  if (body.length > MAX_BODY_BYTES) return error(400, undefined, "Bad Request");
  if (request.rows.length > MAX_ROWS) {
    return error(400, "invalid", `too many rows present in the request, limit: ${String(MAX_ROWS)}`);
  }
  if (table.resource.type !== "TABLE") return error(400, "invalid", "Cannot add rows to a view");
  const { nowMs, remembersInsertIds, leavesKindOut, fault } = options;
  const errors = table.insert(request, { nowMs: nowMs(), remembersInsertIds, rowErrors: fault?.rowErrors });
  return {
    status: 200,
    body: {
      ...(leavesKindOut ? {} : { kind: REPLY }),
      ...(errors.length === 0 ? {} : { insertErrors: errors }),
    },
  };
}
