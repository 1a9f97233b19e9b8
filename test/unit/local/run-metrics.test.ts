import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { ResettingCounter, RunMetrics } from "../../../services/local/run-metrics.js";

describe("the counts of a run", () => {
  it("add up over all engines and keep the last word of one that is down", async () => {
    const pages = [
      "data_confirmed_position 900\ndata_source_expected_records 1000",
      "crunch_records_total 300",
      "crunch_records_total 400",
      'results_rows_total{outcome="stored"} 600\nresults_rows_total{outcome="repeat"} 7',
    ];
    const servers: Server[] = [];
    const asked: (string | undefined)[] = [];
    const ports: { details: { port: number } | undefined }[] = [];
    for (const page of pages) {
      const server = createServer((request, response) => {
        asked.push(request.url);
        response.end(page);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      ports.push({ details: { port: (server.address() as AddressInfo).port } });
    }
    const [data, first, second, results] = ports;
    assert.ok(data && first && second && results);
    const metrics = new RunMetrics({ engines: [first, second], results });
    metrics.data = data;
    const expected = { published: 900, expected: 1000, crunched: 700, stored: 600, repeats: 7 };

    assert.deepEqual(await metrics.read(), expected);
    assert.deepEqual(asked.sort(), [
      "/metrics?name%5B%5D=crunch_records_total",
      "/metrics?name%5B%5D=crunch_records_total",
      "/metrics?name%5B%5D=data_confirmed_position&name%5B%5D=data_source_expected_records",
      "/metrics?name%5B%5D=results_rows_total",
    ]);
    second.details = undefined;
    for (const one of servers) one.close();
    assert.deepEqual(await metrics.read(), expected);
  });

  it("are read once when they are asked for again meanwhile", async () => {
    const nobody = { details: undefined };
    const metrics = new RunMetrics({ engines: [], results: nobody });

    const first = metrics.read();
    assert.equal(metrics.read(), first);
    await first;
    assert.notEqual(metrics.read(), first);
  });

  it("go on where a dead engine's counter ended", () => {
    const counter = new ResettingCounter();
    for (const value of [10, 50, 0, 20, 25]) counter.observe(value);

    assert.equal(counter.total, 75);
  });
});
