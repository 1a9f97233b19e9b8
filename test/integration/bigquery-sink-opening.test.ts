import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "../../services/shared/errors.js";
import { openFixture } from "../support/bigquery-fixture.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";

describe("opening the BigQuery sink", () => {
  const refused = async (t: Parameters<typeof openFixture>[0], endpoint: string): Promise<string> => {
    let text = "";
    await assert.rejects(openFixture(t, { endpoint }), (thrown) => {
      assert.ok(thrown instanceof UserError, String(thrown));
      text = thrown.message;
      return true;
    });
    assert.doesNotMatch(text, /\n/);
    return text;
  };
  const startFake = async (t: Parameters<typeof openFixture>[0]): Promise<FakeBigQuery> => {
    const fake = await FakeBigQuery.start();
    t.after(() => fake.close());
    return fake;
  };

  it("says in one sentence that BigQuery cannot be reached", async (t) => {
    const fake = await FakeBigQuery.start();
    await fake.close();

    assert.match(await refused(t, "http://127.0.0.1:1"), /127\.0\.0\.1:1 .*ECONNREFUSED/);
  });

  it("says in one sentence that BigQuery refuses us", async (t) => {
    const fake = await startFake(t);
    fake.fail({ on: { path: /./ }, status: 403, reason: "accessDenied", message: "Access Denied: p" });

    assert.match(await refused(t, fake.url), /p\.d\.t.*403 accessDenied: .*Access Denied: p/);
  });

  it("outlasts a short failure", async (t) => {
    const fake = await startFake(t);
    fake.fail({ on: { path: /./ }, status: 503, times: 3 });

    const { clock } = await openFixture(t, { endpoint: fake.url });

    assert.deepEqual(clock.waits, [200, 400, 800]);
  });

  it("names each difference of a table that does not fit", async (t) => {
    const fake = await startFake(t);
    fake.define("d", "t", {
      schema: {
        fields: [
          { name: "id", type: "INT64", mode: "REQUIRED" },
          { name: "Data", type: "FLOAT" },
          { name: "Meta", type: "STRING", mode: "REPEATED" },
          { name: "DTimeStamp", type: "TIMESTAMP" },
          { name: "RData", type: "INTEGER" },
          { name: "ProcessTime", type: "TIMESTAMP" },
          { name: "Late", type: "BOOL" },
          { name: "Extra", type: "STRING" },
          { name: "Must", type: "STRING", mode: "REQUIRED" },
        ],
      },
    });

    const text = await refused(t, fake.url);

    assert.match(text, /column Data is FLOAT instead of INTEGER/);
    assert.match(text, /column Meta is REPEATED STRING instead of STRING/);
    assert.match(text, /column RTimeStamp TIMESTAMP is missing/);
    assert.match(text, /column Must is REQUIRED and no column of ours/);
    assert.doesNotMatch(text, /column (?:ID|Late|Extra) /);
  });
});
