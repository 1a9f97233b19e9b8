import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fillIn } from "../../../deploy-marathon/definition/template.js";
import { problemsOf } from "../../support/problems.js";

describe("fillIn", () => {
  it("takes what is given, and the default where nothing or an empty text is", () => {
    const json = { image: "${PREFIX:-data-crunch}/engine:${TAG}", inner: [{ text: "${EMPTY:-none}" }] };

    assert.deepEqual(fillIn(json, { TAG: "7", EMPTY: "" }), {
      image: "data-crunch/engine:7",
      inner: [{ text: "none" }],
    });
  });

  it("leaves everything else as it is", () => {
    const json = { "${KEY}": 1, cost: "$$5 ${lower} $PATH", none: null, yes: true };

    assert.deepEqual(fillIn(json, { KEY: "x" }), { ...json, cost: "$5 ${lower} $PATH" });
  });

  it("does not fill in twice", () => {
    assert.equal(fillIn("${A:-x}", { A: "${B}" }), "${B}");
  });

  it("names everything that is missing at once", () => {
    assert.deepEqual(
      problemsOf(() => fillIn(["${A:?the servers}", "${B}", "${A:?the servers}"], {})),
      ["A is needed in the environment: the servers", "B is needed in the environment"],
    );
  });
});
