import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseMetrics, sumOf } from "../../../services/shared/metrics-text.js";
import { createMetrics } from "../../../services/shared/metrics.js";

describe("the reader of Prometheus' text", () => {
  it("reads what prom-client writes, with labels that hold quotes, commas and line ends", async () => {
    const metrics = createMetrics("some-engine");
    const rows = metrics.counter("results_rows_total", "Rows by outcome", ["outcome"]);
    rows.inc({ outcome: "stored" }, 41);
    rows.inc({ outcome: 'odd "one", {really}\nyes' }, 2);
    metrics.gauge("data_confirmed_position", "Position").set(1e21);

    const samples = parseMetrics(await metrics.registry.metrics());

    assert.equal(sumOf(samples, "results_rows_total", { outcome: "stored" }), 41);
    assert.equal(sumOf(samples, "results_rows_total", { outcome: 'odd "one", {really}\nyes' }), 2);
    assert.equal(sumOf(samples, "results_rows_total", { service: "some-engine" }), 43);
    assert.equal(sumOf(samples, "data_confirmed_position"), 1e21);
  });

  it("gives back any label and any number that prom-client writes", async () => {
    const value = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(0, 1e21, 5e-324));
    const label = fc.string({ unit: "binary", maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(label, { maxLength: 5 }), value, async (labels, number) => {
        const metrics = createMetrics("some-engine");
        const gauge = metrics.gauge("any_value", "Anything", ["label"]);
        for (const text of labels) gauge.set({ label: text }, number);

        const samples = parseMetrics(await metrics.registry.metrics());

        for (const text of labels) assert.equal(sumOf(samples, "any_value", { label: text }), number + 0);
      }),
      { numRuns: 200 },
    );
  });

  it("reads any text without failing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        for (const { name } of parseMetrics(text)) assert.match(name, /^[A-Za-z_:][\w:]*$/);
      }),
    );
  });

  it("reads samples without labels, with times, and infinities; leaves out what is none", () => {
    const text = '# HELP a b\na 1\nb{} 2 1700000000000\nc +Inf\nnot a sample at all\n\nd{x=""} -Inf';

    const samples = parseMetrics(text);

    assert.deepEqual(
      samples.map(({ name, value }) => [name, value]),
      [
        ["a", 1],
        ["b", 2],
        ["c", Infinity],
        ["d", -Infinity],
      ],
    );
  });

  it("counts a metric that is not there as 0", () => {
    assert.equal(sumOf(parseMetrics("a 1"), "b"), 0);
  });
});
