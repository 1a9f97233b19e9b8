import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { classify, readInsertReply } from "../../../services/results-engine/sinks/bigquery/errors.js";

const KIND = "bigquery#tableDataInsertAllResponse";

describe("an error of Google's client", () => {
  it("asks for another try where it came from the network", () => {
    const error = Object.assign(new Error("request to http://x failed"), {
      code: "ECONNRESET",
      type: "system",
    });

    assert.deepEqual(classify(error), {
      kind: "retry",
      status: undefined,
      reason: "ECONNRESET",
      message: "request to http://x failed",
    });
  });

  it("is the table's where there are no credentials", () => {
    assert.equal(classify(new Error("Could not load the default credentials.")).kind, "table");
    assert.equal(classify(Object.assign(new Error("invalid_grant"), { code: 400 })).kind, "table");
  });

  it("is told in one line without HTML", () => {
    const page = `<html>\n<h1>403</h1>\n${"<p>no</p>\n".repeat(400)}</html>`;

    const { message } = classify(Object.assign(new Error(page), { code: 403 }));

    assert.match(message, /^403: 403 no no /);
    assert.doesNotMatch(message, /[<\n]/);
    assert.ok(message.length < 320);
  });

  it("is read whatever was thrown", () => {
    for (const thrown of [
      "text",
      7,
      null,
      undefined,
      {},
      { code: 500, errors: "x" },
      { code: 500, errors: [null] },
    ]) {
      assert.equal(classify(thrown).kind, "retry");
    }
  });
});

describe("a reply to insertAll", () => {
  it("says that every row is in", () => {
    assert.deepEqual(readInsertReply({ kind: KIND }, false, 2), []);
    assert.deepEqual(readInsertReply({ kind: KIND, insertErrors: [] }, false, 2), []);
  });

  it("may lack its kind at an emulator, and nothing else may be in it then", () => {
    assert.deepEqual(readInsertReply({}, true, 2), []);
    assert.equal(readInsertReply({}, false, 2), undefined);
    assert.equal(readInsertReply({ status: "ok" }, true, 2), undefined);
    assert.equal(readInsertReply({ kind: "bigquery#table" }, true, 2), undefined);
  });

  it("blames a row if any of its errors does, with BigQuery's words", () => {
    const errors = [
      { reason: "stopped" },
      { reason: "invalid", location: "meta", debugInfo: "x", message: "no such field: Meta." },
    ];

    assert.deepEqual(readInsertReply({ kind: KIND, insertErrors: [{ index: 1, errors }, {}] }, false, 2), [
      { index: 1, invalid: true, text: "invalid at meta: no such field: Meta." },
      { index: 0, invalid: false, text: "no reason given" },
    ]);
  });
});
