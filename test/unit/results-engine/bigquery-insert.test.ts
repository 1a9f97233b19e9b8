import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BigQueryClient, Call, Reply } from "../../../services/results-engine/sinks/bigquery/client.js";
import { systemClock } from "../../../services/results-engine/sinks/bigquery/clock.js";
import { NO_ANSWER, failure } from "../../../services/results-engine/sinks/bigquery/errors.js";
import { TableGate } from "../../../services/results-engine/sinks/bigquery/gate.js";
import { InsertAll } from "../../../services/results-engine/sinks/bigquery/insert-all.js";
import { Inserter } from "../../../services/results-engine/sinks/bigquery/insert.js";

const ONE_ROW = {
  body: Buffer.from("{}"),
  count: 1,
  starts: new Uint32Array(1),
  ends: new Uint32Array(1),
  parts: new Uint32Array(1),
  rows: new Uint32Array(1),
  late: new Uint8Array(1),
};
const HANG: Reply = { ok: false, failure: failure("retry", "no answer", { reason: NO_ANSWER }) };
const BUSY: Reply = { ok: false, failure: failure("retry", "backendError", { status: 503 }) };
const STORED: Reply = { ok: true, body: { kind: "bigquery#tableDataInsertAllResponse" } };

/** Deadlines of the tries that it takes to get one row in. */
async function deadlinesOf(replies: readonly Reply[], longestMs: number): Promise<number[]> {
  const deadlines: number[] = [];
  const client = {
    call: ({ deadlineMs }: Call): Promise<Reply> => {
      deadlines.push(deadlineMs);
      return Promise.resolve(replies[deadlines.length - 1] ?? STORED);
    },
  } as unknown as BigQueryClient;
  const clock = { ...systemClock, backoff: () => Promise.resolve() };
  const inserter = new Inserter({
    transport: new InsertAll(client, "insertAll", false),
    clock,
    gate: new TableGate(clock, () => undefined),
    deadlineMs: longestMs,
    difference: () => Promise.resolve(undefined),
  });
  const { stored } = await inserter.insert(ONE_ROW, new AbortController().signal);
  assert.equal(stored, 1);
  return deadlines;
}

describe("the deadline of a request to BigQuery", () => {
  it("is short at first, so that rows flow within 10 s of a hang, and longer after each hang", async () => {
    const deadlines = await deadlinesOf([HANG, HANG, HANG, HANG], 30_000);
    assert.deepEqual(deadlines, [8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("does not grow with refusals, so that a hang after an outage is no longer than any", async () => {
    const deadlines = await deadlinesOf([BUSY, BUSY, BUSY, HANG], 30_000);
    assert.deepEqual(deadlines, [8_000, 8_000, 8_000, 8_000, 16_000]);
  });

  it("is never longer than the longest", async () => {
    assert.deepEqual(await deadlinesOf([HANG], 200), [200, 200]);
  });
});
