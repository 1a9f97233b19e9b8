import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tryDeadlineMs } from "../../../services/results-engine/sinks/bigquery-insert.js";

describe("the deadline of a request to BigQuery", () => {
  it("is short at first, so that rows flow within 10 s of a hang, and longer with each try", () => {
    const deadlines = [1, 2, 3, 4, 50].map((tries) => tryDeadlineMs(tries, 30_000));
    assert.deepEqual(deadlines, [8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is never longer than the longest", () => {
    assert.equal(tryDeadlineMs(1, 200), 200);
  });
});
