import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backoffMs, systemClock } from "../../../services/results-engine/sinks/bigquery/clock.js";
import { EngineError } from "../../../services/shared/errors.js";

const RANGE = { firstMs: 100, maxMs: 1_000 };

describe("the wait between two tries", () => {
  it("doubles up to its limit, however many tries there were", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 60, 5_000].map((tries) => backoffMs(RANGE, tries, () => 1)),
      [100, 200, 400, 800, 1_000, 1_000, 1_000],
    );
  });

  it("is spread over its whole length", () => {
    assert.equal(
      backoffMs(RANGE, 3, () => 0),
      0,
    );
    assert.equal(
      backoffMs(RANGE, 3, () => 0.25),
      100,
    );
  });

  it("ends at once when the engine stops", async () => {
    const stopping = new AbortController();
    const waiting = systemClock.backoff(3_600_000, stopping.signal);
    stopping.abort();

    const isRetry = (thrown: unknown): boolean => thrown instanceof EngineError && thrown.action === "retry";
    await assert.rejects(waiting, isRetry);
    await assert.rejects(systemClock.backoff(3_600_000, AbortSignal.abort()), isRetry);
  });
});
