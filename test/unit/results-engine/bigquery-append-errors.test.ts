import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  classifyGrpc,
  readAppendAnswer,
} from "../../../services/results-engine/sinks/bigquery/append-errors.js";
import { Slots } from "../../../services/results-engine/sinks/bigquery/slots.js";

describe("an answer of the Storage Write API", () => {
  it("stores rows only with a result and nothing else", () => {
    assert.deepEqual(readAppendAnswer({ appendResult: {}, error: null, rowErrors: [] }, 2), { errors: [] });
    assert.equal(readAppendAnswer({ appendResult: {}, error: { code: 8 } }, 2), undefined);
    assert.equal(readAppendAnswer({ appendResult: {}, rowErrors: [{ index: "0" }] }, 2), undefined);
    assert.equal(readAppendAnswer({ appendResult: null, error: null, rowErrors: [] }, 2), undefined);
  });

  it("names bad rows, and those between them may go again", () => {
    const answer = { error: { code: 3, message: "rows" }, rowErrors: [{ index: "1", message: "too long" }] };
    assert.deepEqual(readAppendAnswer(answer, 3), {
      errors: [
        { index: 0, invalid: false, text: "stopped" },
        { index: 1, invalid: true, text: "too long" },
        { index: 2, invalid: false, text: "stopped" },
      ],
    });
  });

  it("is none to this append if it names a row that was not sent", () => {
    const answer = { error: { code: 3 }, rowErrors: [{ index: "7", message: "no" }] };
    assert.equal(readAppendAnswer(answer, 3), undefined);
  });

  it("blames no row for an error of another kind", () => {
    const answer = { error: { code: 14, message: "later" }, rowErrors: [{ index: "0", message: "no" }] };
    const read = readAppendAnswer(answer, 1);
    assert.ok(read !== undefined && "failure" in read && read.failure.kind === "retry");
  });

  it("is told apart by its code; credentials that are missing are the table's matter", () => {
    const kinds = Array.from({ length: 17 }, (_, code) => classifyGrpc({ code, details: "x" }).kind);
    assert.deepEqual(
      ["quota", "split", "table"].map((kind) => kinds.flatMap((one, code) => (one === kind ? [code] : []))),
      [[8], [3], [5, 7, 9, 12, 16]],
    );
    assert.equal(classifyGrpc(new Error("Could not load the default credentials.")).kind, "table");
    assert.equal(classifyGrpc(new Error("socket hang up")).kind, "retry");
    assert.equal(classifyGrpc({ code: 14, details: "14 UNAVAILABLE" }).reason, "UNAVAILABLE");
  });
});

describe("slots by weight", () => {
  it("are given in order, what is too heavy for all of them when all are free", async () => {
    const slots = new Slots(10);
    const order: string[] = [];
    const first = await slots.take(6);
    const heavy = slots.take(50).then((release) => (order.push("heavy"), release));
    const light = slots.take(1).then((release) => (order.push("light"), release));
    await new Promise(setImmediate);
    assert.deepEqual(order, []);
    first();
    (await heavy)();
    (await light)();
    assert.deepEqual(order, ["heavy", "light"]);
    await slots.take(10);
  });
});
