import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createResultsMetrics } from "../../../services/results-engine/results-metrics.js";
import type { Sink } from "../../../services/results-engine/sinks/sink.js";
import { createMetrics } from "../../../services/shared/metrics.js";
import { resultsOf } from "../../support/result-columns.js";

function sinkOf(ok = true): Sink {
  return {
    description: "fake",
    maxConcurrentWrites: 1,
    earlierTotals: { stored: 100, repeats: 10, late: 1 },
    lifetimeTotals: undefined,
    write: () => Promise.reject(new Error("not written in this test")),
    state: () => ({ ok, detail: "" }),
    close: () => Promise.resolve(),
  };
}

describe("metrics of results-engine", () => {
  it("counts on from what the run did before this process", async () => {
    const metrics = createMetrics("test");
    const results = createResultsMetrics(metrics, sinkOf());
    results.onBatch({
      rows: 10,
      parts: [],
      outcome: { stored: 4, repeats: 3, replays: 2, late: 1, rejected: [{ part: 0, row: 0, reason: "" }] },
      writeMs: 10,
      endedAtMs: 10,
    });

    const text = await metrics.registry.metrics();
    for (const [outcome, rows] of Object.entries({ stored: 104, repeat: 13, replay: 2, rejected: 1 })) {
      assert.match(text, new RegExp(`results_rows_total\\{outcome="${outcome}",service="test"\\} ${rows}\n`));
    }
    assert.match(text, /results_late_rows_total\{service="test"\} 2\n/);
    const { stored, repeats, late } = results.totals();
    assert.deepEqual([stored, repeats, late], [104, 13, 2]);
  });

  it("tells how long messages took from their DTimeStamp to their rows", () => {
    const results = createResultsMetrics(createMetrics("test"), sinkOf());
    assert.deepEqual([results.totals().latencyP50Ms, results.totals().latencyP99Ms], [0, 0]);

    const endedAtMs = Date.UTC(2026, 0, 2);
    const agesMs = [...new Array<number>(98).fill(50), 500, 500];
    const parts = agesMs.map((ageMs) => resultsOf([{ ID: 1n, storedAtMs: endedAtMs - ageMs }]));
    const outcome = { stored: 100, repeats: 0, replays: 0, late: 0, rejected: [] };
    results.onBatch({ rows: 100, parts, outcome, writeMs: 5, endedAtMs });

    assert.deepEqual([results.totals().latencyP50Ms, results.totals().latencyP99Ms], [50, 500]);
  });

  it("says when the sink is paused, at the moment it is asked", async () => {
    for (const [ok, paused] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const metrics = createMetrics("test");
      createResultsMetrics(metrics, sinkOf(ok));
      assert.match(await metrics.registry.metrics(), new RegExp(`results_sink_paused\\{.*\\} ${paused}\n`));
    }
  });
});
