import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineMemory, OutageReport } from "../../chaos/outage.js";
import { troublesOf } from "../../chaos/outage.js";

const FLAT: EngineMemory = { engine: "results-1", before: 90, firstHalf: 100, secondHalf: 110, end: 80 };

function reportOf(parts: Partial<OutageReport>): OutageReport {
  const fault = { kind: "sink-away", victim: "sink", durationMs: 600_000, amount: 0 } as const;
  return { fault, heldBackAfterMs: 60_000, memory: [FLAT], ...parts };
}

describe("what must not be in an outage", () => {
  it("is nothing where the source was held back and memory stayed", () => {
    assert.deepEqual(troublesOf(reportOf({})), []);
  });

  it("is an engine whose memory grows for as long as it lasts", () => {
    const grows = { ...FLAT, engine: "data", secondHalf: 111 };

    assert.deepEqual(troublesOf(reportOf({ memory: [FLAT, grows] })), [
      "data grew by more than a tenth in the second half of the outage",
    ]);
  });

  it("is a source that goes on", () => {
    assert.deepEqual(troublesOf(reportOf({ heldBackAfterMs: undefined })), ["the source was not held back"]);
  });
});
