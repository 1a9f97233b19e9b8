import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BigQueryClient, Call, Reply } from "../../../services/results-engine/sinks/bigquery/client.js";
import { NO_ANSWER, failure } from "../../../services/results-engine/sinks/bigquery/errors.js";
import { TableGate } from "../../../services/results-engine/sinks/bigquery/gate.js";
import { InsertAll } from "../../../services/results-engine/sinks/bigquery/insert-all.js";
import { Inserter } from "../../../services/results-engine/sinks/bigquery/insert.js";
import { ManualClock } from "../../support/manual-clock.js";

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

/** Deadlines of the tries that it takes to get one row in, and the waits between them; a hang takes its time. */
async function triesOf(
  replies: readonly Reply[],
  longestMs: number,
): Promise<{ deadlines: number[]; waits: number[] }> {
  const deadlines: number[] = [];
  const clock = new ManualClock();
  const client = {
    call: ({ deadlineMs }: Call): Promise<Reply> => {
      deadlines.push(deadlineMs);
      const reply = replies[deadlines.length - 1] ?? STORED;
      if (reply === HANG) clock.now += deadlineMs;
      return Promise.resolve(reply);
    },
  } as unknown as BigQueryClient;
  const inserter = new Inserter({
    transport: new InsertAll(client, "insertAll", false),
    clock,
    gate: new TableGate(clock, () => undefined),
    deadlineMs: longestMs,
    difference: () => Promise.resolve(undefined),
  });
  const { stored } = await inserter.insert(ONE_ROW, new AbortController().signal);
  assert.equal(stored, 1);
  return { deadlines, waits: clock.waits };
}

describe("the deadline of a request to BigQuery", () => {
  it("is short at first, so that rows flow within 10 s of a hang, and longer after each hang", async () => {
    const { deadlines } = await triesOf([HANG, HANG, HANG, HANG], 30_000);
    assert.deepEqual(deadlines, [8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("does not grow with refusals, so that a hang after an outage is no longer than any", async () => {
    const { deadlines } = await triesOf([BUSY, BUSY, BUSY, HANG], 30_000);
    assert.deepEqual(deadlines, [8_000, 8_000, 8_000, 8_000, 16_000]);
  });

  it("is never longer than the longest", async () => {
    assert.deepEqual((await triesOf([HANG], 200)).deadlines, [200, 200]);
  });
});

describe("the wait before a request is sent again", () => {
  it("grows to four seconds and no further, so that rows flow soon after the longest outage", async () => {
    const { waits } = await triesOf(Array<Reply>(200).fill(BUSY), 30_000);
    assert.deepEqual(waits.slice(0, 6), [200, 400, 800, 1_600, 3_200, 4_000]);
    assert.equal(Math.max(...waits), 4_000);
  });

  it("has passed already when the try was a hang", async () => {
    const { waits } = await triesOf([...Array<Reply>(9).fill(BUSY), HANG], 30_000);
    assert.equal(waits.at(-1), 0);
  });
});
