import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { summaryOf, summaryTable } from "../../../services/local/summary.js";

const results = { late: 3, latencyP50Ms: 12.5, latencyP99Ms: 80, sink: "results in out.duckdb" };
const input = {
  data: { published: 1_000_000 },
  results,
  stored: 900_000,
  repeats: 50_000,
  parked: 49_990,
  settledBefore: 150_000,
  ms: 4_000,
};

describe("the summary of a run", () => {
  it("counts what is neither stored, repeated nor parked as outstanding", () => {
    assert.deepEqual(summaryOf(input), {
      published: 1_000_000,
      stored: 900_000,
      repeats: 50_000,
      parked: 49_990,
      late: 3,
      outstanding: 10,
      seconds: 4,
      recordsPerSecond: 200_000,
      latencyMs: { p50: 12.5, p99: 80 },
      sink: "results in out.duckdb",
    });
  });

  it("always closes the ledger when nothing was counted twice", () => {
    const figure = fc.nat(1_000_000);
    fc.assert(
      fc.property(figure, figure, figure, figure, (stored, repeats, parked, outstanding) => {
        const published = stored + repeats + parked + outstanding;
        const summary = summaryOf({ ...input, data: { published }, stored, repeats, parked });
        assert.equal(summary.outstanding, outstanding);
      }),
    );
  });

  it("never counts less than nothing as outstanding", () => {
    assert.equal(summaryOf({ ...input, data: { published: 5 } }).outstanding, 0);
  });

  it("stands without the stop lines of killed engines", () => {
    const summary = summaryOf({ ...input, data: undefined, results: undefined, ms: 0 });

    assert.equal(summary.published, 0);
    assert.equal(summary.recordsPerSecond, 0);
    assert.equal(summary.sink, "");
  });

  it("puts the figures below one another for people", () => {
    const table = summaryTable(summaryOf(input)).split("\n");

    assert.equal(table[0], "  published    1,000,000");
    assert.equal(table[5], "  outstanding         10");
    assert.equal(table[6], "  time         4.0 s, 200,000 records/s");
    assert.equal(table[7], "  latency      half within 13 ms, 99 % within 80 ms");
    assert.equal(table[8], "  sink         results in out.duckdb");
  });
});
