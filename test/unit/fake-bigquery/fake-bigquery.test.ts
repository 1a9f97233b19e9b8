import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readFault } from "../../../services/fake-bigquery/fault-text.js";
import { serveFakeBigQuery } from "../../../services/fake-bigquery/serve.js";
import { UserError } from "../../../services/shared/errors.js";

describe("crunch fake-bigquery", () => {
  it("serves until its signal aborts, its faults first", async () => {
    const stop = new AbortController();
    let url = "";
    const served = serveFakeBigQuery({
      port: 0,
      grpcPort: 0,
      host: "127.0.0.1",
      faults: ['{"on":{"path":"^datasets"},"status":503}'],
      signal: stop.signal,
      started: (address) => (url = address),
    });
    while (url === "") await new Promise(setImmediate);

    const create = (): Promise<Response> =>
      fetch(`${url}/bigquery/v2/projects/p/datasets`, {
        method: "POST",
        body: JSON.stringify({ datasetReference: { projectId: "p", datasetId: "d" } }),
      });
    assert.deepEqual([(await create()).status, (await create()).status], [503, 200]);
    stop.abort();
    await served;

    await assert.rejects(create());
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ["{", /must be JSON/],
    ["[]", /must be a JSON object/],
    ['{"stauts":1}', /unknown stauts; known are on, times/],
    ['{"status":"503"}', /status must be a number/],
    ['{"code":"BUSY"}', /code must be one of OK, CANCELLED/],
    ['{"on":{"path":"("}}', /is no regular expression/],
    ['{"on":{}}', /on\.path must be/],
  ];
  for (const [text, message] of wrong) {
    it(`refuses the fault ${text}`, () => {
      assert.throws(
        () => readFault(text),
        (thrown) => thrown instanceof UserError && message.test(thrown.message),
      );
    });
  }
});
