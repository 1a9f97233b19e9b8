/** BigQuery goes away under a real pipeline and comes back. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { CrunchProcess } from "../support/engine-process.js";
import { freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const RECORDS = 150_000;
const DEADLINE_MS = 120_000;

describe("BigQuery down under a running pipeline", () => {
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(() => server.stop());

  it("holds the source back, and ends with each row once and none parked", async (t) => {
    const folder = tempFolder();
    t.after(() => folder.remove());
    const fake = await FakeBigQuery.start({ keepsRequests: false });
    t.after(() => fake.close());
    const namespace = freshNamespace();
    const start = (command: string): CrunchProcess => {
      const env = {
        NATS_URL: server.url,
        NAMESPACE: namespace,
        SOURCE: `synthetic:?count=${String(RECORDS)}&rate=50000`,
        CRUNCHER: "identity",
        SINK: "bigquery:p/d/t?mode=stream",
        BIGQUERY_API_ENDPOINT: fake.url,
        STREAM_MAX_BYTES: "1048576",
      };
      const engine = new CrunchProcess([command], env, folder.path);
      t.after(() => engine.kill("SIGKILL"));
      return engine;
    };

    const results = start("results");
    await results.started(DEADLINE_MS);
    const others = ["engine", "data"].map(start);
    await until(() => fake.rows("d", "t").length > 0, DEADLINE_MS, "rows flow");

    fake.fail({ status: 503, times: Infinity });
    const isHeldBack = (): boolean => others[1]?.stdout.includes("is full") === true;
    await until(isHeldBack, DEADLINE_MS, "the source held back");
    const rowsWhileDown = fake.rows("d", "t").length;
    assert.ok(rowsWhileDown < RECORDS);
    assert.equal(results.ended, false);
    fake.heal();

    const ids = (): Set<unknown> => new Set(fake.rows("d", "t").map(({ ID }) => ID));
    await until(() => fake.rows("d", "t").length >= RECORDS, DEADLINE_MS, "every row stored");
    assert.equal(ids().size, RECORDS);
    assert.equal(fake.viewRows("d", "t").length, RECORDS);
    for (const engine of [...others, results]) engine.kill("SIGTERM");
    for (const engine of [...others, results]) {
      assert.equal((await engine.exited).code, 0, engine.stdout);
      assert.ok([0, undefined].includes(engine.stopped?.parked as number | undefined), engine.stdout);
    }
  });
});
