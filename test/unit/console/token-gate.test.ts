import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenGate } from "../../../services/console/token-gate.js";

const TOKEN = "correct-horse-battery";

describe("the token of the console", () => {
  it("lets whoever has it, whatever the case of the scheme", () => {
    const gate = new TokenGate(TOKEN);
    assert.equal(gate.isOpenToSomebody, true);
    for (const scheme of ["Bearer", "bearer"]) assert.equal(gate.refusalOf(`${scheme} ${TOKEN}`), undefined);
  });

  it("is asked for where it is not given, and refused where it is wrong", () => {
    const gate = new TokenGate(TOKEN);
    const statusOf = (header: string | undefined): number | undefined => gate.refusalOf(header)?.status;

    for (const header of [undefined, "", "Bearer", "Bearer ", `Basic ${TOKEN}`, TOKEN]) {
      assert.equal(statusOf(header), 401, header);
    }
    for (const token of ["x", TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()]) {
      assert.equal(statusOf(`Bearer ${token}`), 403, token);
    }
  });

  it("is nobody's where none is set, not even that of an empty one", () => {
    const gate = new TokenGate(undefined);
    assert.equal(gate.isOpenToSomebody, false);
    for (const header of [undefined, "Bearer ", "Bearer undefined"]) {
      assert.equal(gate.refusalOf(header)?.status, 403);
    }
  });
});
