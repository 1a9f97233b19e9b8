import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addOutcome, committedSince } from "../../../services/results-engine/sinks/duckdb/totals.js";

describe("a batch whose outcome is unknown", () => {
  const told = { stored: 100, repeats: 10, late: 1 };

  it("is not stored if the totals are as they were", () => {
    assert.equal(committedSince(told, told, 50), undefined);
  });

  it("is stored if the totals have grown, and is counted as they say", () => {
    assert.deepEqual(committedSince(told, { stored: 130, repeats: 25, late: 6 }, 50), {
      stored: 30,
      repeats: 15,
      late: 5,
      replays: 5,
      rejected: [],
    });
  });

  it("ends the engine if rows are gone, as in a file that was replaced", () => {
    assert.throws(
      () => committedSince(told, { stored: 0, repeats: 0, late: 0 }, 50),
      /^EngineError: 100 rows that were stored are gone/,
    );
  });

  it("adds to what is known once it was told", () => {
    const outcome = { stored: 3, repeats: 2, replays: 7, late: 1, rejected: [] };
    assert.deepEqual(addOutcome(told, outcome), { stored: 103, repeats: 12, late: 2 });
  });
});
