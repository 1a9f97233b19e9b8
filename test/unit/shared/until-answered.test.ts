import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../../../services/shared/errors.js";
import { untilAnswered } from "../../../services/shared/until-answered.js";

const never = new AbortController().signal;

describe("a question that a start depends on", () => {
  it("is asked again while nobody answers", async () => {
    let asked = 0;
    const answer = await untilAnswered(() => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error("TIMEOUT")) : Promise.resolve("the note");
    }, never);

    assert.equal(answer, "the note");
    assert.equal(asked, 3);
  });

  it("is given up at once when asking again is of no use", async () => {
    const refusal = new EngineError("not_permitted", "stop", "NATS does not permit this");
    await assert.rejects(
      untilAnswered(() => Promise.reject(refusal), never),
      refusal,
    );
  });

  it("is given up, with the last reason, when the engine is told to end", async () => {
    const ending = new AbortController();
    const answer = untilAnswered(() => Promise.reject(new Error("TIMEOUT")), ending.signal);
    ending.abort();
    await assert.rejects(answer, /TIMEOUT/);
  });
});
