import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { appendClient } from "../../../services/results-engine/sinks/bigquery/append-client.js";
import { AppendConnection } from "../../../services/results-engine/sinks/bigquery/append-connection.js";
import { systemClock } from "../../../services/results-engine/sinks/bigquery/clock.js";
import type { Try } from "../../../services/results-engine/sinks/bigquery/insert.js";
import { rowDescriptor } from "../../../services/results-engine/sinks/bigquery/proto-rows.js";
import { parseBigQueryUri } from "../../../services/results-engine/sinks/bigquery/uri.js";
import { parsePluginUri } from "../../../services/shared/plugin-uri.js";
import { FakeBigQuery } from "../../../services/fake-bigquery/fake-bigquery.js";

describe("a trap of Google's write client", () => {
  it("credentials that cannot be had are an error of nobody's and end the process: the append is told", async (t) => {
    const before = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    process.env.GOOGLE_APPLICATION_CREDENTIALS = "/no/such/key.json";
    t.after(() => {
      if (before === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
      else process.env.GOOGLE_APPLICATION_CREDENTIALS = before;
    });
    const target = parseBigQueryUri(parsePluginUri("SINK", "bigquery:p/d/t?mode=write"), undefined);
    let isOver = false;
    const open = appendClient(target, rowDescriptor(false));
    const connection = new AppendConnection(open, systemClock, () => (isOver = true));

    const result = await connection.append([Buffer.alloc(1)], 10_000, new AbortController().signal);

    assert.ok("failure" in result);
    assert.match(result.failure.message, /key\.json/);
    assert.equal(isOver, true);
  });

  it("its streams share how long they wait for an address that refused one: the next one asks again", async (t) => {
    const fake = await FakeBigQuery.start({ writePort: 0 });
    t.after(() => fake.close());
    fake.define("d", "t", { schema: { fields: [{ name: "ID", type: "INTEGER", mode: "REQUIRED" }] } });
    const address = `bigquery:p/d/t?mode=write&write-endpoint=${fake.write.url}`;
    const target = parseBigQueryUri(parsePluginUri("SINK", address), fake.url);
    const descriptor = rowDescriptor(false);
    const id = descriptor.field.slice(0, 1);
    const open = appendClient(target, { ...descriptor, field: id });
    const append = (): Promise<Try> => {
      const connection = new AppendConnection(open, systemClock, () => undefined);
      t.after(() => connection.close());
      return connection.append([Buffer.from([8, 1])], 30_000, new AbortController().signal);
    };

    const comeBack = await fake.goAway();
    const refused = await append();
    await comeBack();
    const taken = await append();

    assert.ok("failure" in refused);
    assert.match(refused.failure.message, /UNAVAILABLE/);
    assert.deepEqual(taken, { errors: [] });
  });
});
