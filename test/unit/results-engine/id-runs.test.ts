import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { IdRuns } from "../../../services/results-engine/sinks/duckdb/id-runs.js";

describe("IdRuns", () => {
  it("has exactly what was added, and adds nothing of a run that it has in part", () => {
    const run = fc.tuple(fc.integer({ min: -60, max: 60 }), fc.integer({ min: 0, max: 12 }));
    const property = fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
      const ids = new IdRuns();
      const model = new Set<number>();
      for (const [first, more] of runs) {
        const members = Array.from({ length: more + 1 }, (_, at) => first + at);
        const isNew = !members.some((id) => model.has(id));
        assert.equal(ids.add(first, first + more), isNew);
        if (isNew) for (const id of members) model.add(id);
      }
      for (let id = -61; id <= 75; id += 1) assert.equal(ids.has(id), model.has(id), String(id));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("refuses further ranges at 1,024 and still lengthens those it has", () => {
    const ids = new IdRuns();
    for (let range = 0; range < 1_024; range += 1) assert.ok(ids.add(range * 100, range * 100 + 49));
    assert.ok(!ids.add(200_000, 200_049));
    assert.ok(!ids.has(200_000));
    assert.ok(ids.add(102_350, 102_399));
    assert.ok(ids.has(102_399));
    assert.ok(ids.add(50, 99), "what joins two ranges makes room for one");
    assert.ok(ids.add(200_000, 200_049));
  });
});
