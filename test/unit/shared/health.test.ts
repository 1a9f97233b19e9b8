import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { HealthServer } from "../../../services/shared/health.js";
import { parseMetrics } from "../../../services/shared/metrics-text.js";
import { createMetrics } from "../../../services/shared/metrics.js";

describe("/metrics of an engine", () => {
  const metrics = createMetrics("some-engine");
  const server = new HealthServer(metrics.registry);
  let port = 0;
  let collected = 0;

  before(async () => {
    metrics.counter("rows_total", "Rows.", ["outcome"]).inc({ outcome: "stored" }, 7);
    metrics.counter("batches_total", "Batches.").inc(3);
    metrics.gauge("dear", "What takes time to find out.", [], () => void (collected += 1));
    port = await server.listen("127.0.0.1", 0);
  });
  after(() => server.close());

  const samples = async (query: string): Promise<string[]> => {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/metrics${query}`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    return parseMetrics(await answer.text()).map(
      ({ name, labels, value }) => `${name} ${labels.get("service") ?? ""} ${String(value)}`,
    );
  };

  it("are those that the request names, and nothing else is collected", async () => {
    const named = await samples("?name[]=rows_total&name[]=no_such_metric&name[]=batches_total");

    assert.deepEqual(named, ["rows_total some-engine 7", "batches_total some-engine 3"]);
    assert.equal(collected, 0);
  });

  it("are all of them for a request that names none", async () => {
    const all = await samples("");

    for (const name of ["rows_total", "batches_total", "dear", "process_cpu_seconds_total"]) {
      assert.ok(
        all.some((sample) => sample.startsWith(`${name} `)),
        name,
      );
    }
    assert.equal(collected, 1);
  });
});
