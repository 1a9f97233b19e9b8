import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBigQueryUri } from "../../../services/results-engine/sinks/bigquery/uri.js";
import { UserError } from "../../../services/shared/errors.js";
import { parsePluginUri } from "../../../services/shared/plugin-uri.js";

const parse = (text: string, endpoint?: string) => parseBigQueryUri(parsePluginUri("SINK", text), endpoint);

describe("the address of a BigQuery table", () => {
  it("is project, dataset and table, with what the parameters say", () => {
    assert.deepEqual(
      parse("bigquery:my-project/data_set/results?mode=stream&location=EU&partition=month&cluster=Data,ID"),
      {
        projectId: "my-project",
        datasetId: "data_set",
        tableId: "results",
        mode: "stream",
        partition: "month",
        cluster: ["Data", "ID"],
        location: "EU",
        endpoint: undefined,
        writeEndpoint: undefined,
        spool: "load-spool/my-project.data_set.results",
        loadsPerDay: 1_400,
      },
    );
  });

  it("has options that belong to one mode", () => {
    const load = parse("bigquery:p/d/t?mode=load&spool=/var/spool/crunch&loads-per-day=700&cluster=none");
    assert.deepEqual([load.spool, load.loadsPerDay, load.cluster], ["/var/spool/crunch", 700, []]);
  });

  it("takes the endpoint of the address before that of the environment", () => {
    assert.equal(parse("bigquery:p/d/t", "http://env:1/").endpoint, "http://env:1");
    assert.equal(parse("bigquery:p/d/t?endpoint=http://uri:2", "http://env:1").endpoint, "http://uri:2");
    assert.equal(parse("bigquery:p/d/t", "").endpoint, undefined);
  });

  it("has appends at port 9060 of the endpoint's host unless told", () => {
    const at = (params: string): string | undefined =>
      parse(`bigquery:p/d/t?mode=write${params}`, "http://env:9050").writeEndpoint;
    assert.equal(at(""), "http://env:9060");
    assert.equal(at("&endpoint=https://other"), "https://other:9060");
    assert.equal(at("&write-endpoint=http://else:1/"), "http://else:1");
    assert.equal(parse("bigquery:p/d/t?mode=upsert").writeEndpoint, undefined);
  });

  it("takes a project of a domain", () => {
    assert.equal(parse("bigquery:example.com:my-project/d/t").projectId, "example.com:my-project");
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ["bigquery:p/d", /must look like bigquery:PROJECT\/DATASET\/TABLE/],
    ["bigquery:p/d/t/x", /must look like/],
    ["bigquery:P!/d/t", /project "P!" must be/],
    ["bigquery:p/d-d/t", /dataset "d-d" must be letters, digits and _/],
    ["bigquery:p/d/t`", /table "t`" must be/],
    ["bigquery:p/d/t?mode=batch", /mode=batch must be one of stream, load, write, upsert/],
    [
      "bigquery:p/d/t?mode=load&loads-per-day=1501",
      /loads-per-day=1501 must be a whole number from 1 to 1500/,
    ],
    ["bigquery:p/d/t?spool=x", /spool is for mode=load/],
    [
      "bigquery:p/d/t?write-endpoint=http://x:1",
      /write-endpoint is for mode=write and mode=upsert, not mode=stream/,
    ],
    ["bigquery:p/d/t?mode=write&write-endpoint=http://x:1", /write-endpoint needs endpoint/],
    [
      "bigquery:p/d/t?mode=write&endpoint=http://x:1&write-endpoint=x:1",
      /^SINK="bigquery:.*": write-endpoint="x:1": must be an address/,
    ],
    ["bigquery:p/d/t?cluster=Foo", /cluster=Foo: "Foo" must be one of ID, Data/],
    ["bigquery:p/d/t?cluster=ID,Data,Meta,RData,Late", /must be at most 4 columns/],
    ["bigquery:p/d/t?partition=week", /partition=week must be one of day, month, none/],
    [
      "bigquery:p/d/t?endpoint=localhost:9050",
      /BIGQUERY_API_ENDPOINT="localhost:9050": must be an address like/,
    ],
    ["bigquery:p/d/t?Mode=stream", /unknown parameter Mode/],
  ];
  for (const [text, message] of wrong) {
    it(`is refused in one sentence: ${text}`, () => {
      assert.throws(
        () => parse(text),
        (thrown) =>
          thrown instanceof UserError && message.test(thrown.message) && !thrown.message.includes("\n"),
      );
    });
  }
});
