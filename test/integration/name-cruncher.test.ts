import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nameCruncher } from "../../services/crunch-engine/pool/name-cruncher.js";
import { UserError } from "../../services/shared/errors.js";
import { fixture } from "../support/troublesome-pool.js";

describe("the name and version of a cruncher", () => {
  it("are known for built-ins and modules without running a module on the main thread", async () => {
    const builtIn = await nameCruncher({ cruncher: "identity", timeoutMs: 10_000 });
    const module = await nameCruncher({ cruncher: fixture("troublesome.mjs"), timeoutMs: 10_000 });

    assert.equal(builtIn.name, "identity");
    assert.deepEqual(module, { name: "troublesome.mjs", version: "troublesome-1" });
  });

  for (const [module, timeoutMs, says] of [
    ["never-loads.mjs", 1_000, /was not loaded within 1000 ms; does its top level ever end\?$/],
    ["waits-for-ever.mjs", 20_000, /waits for what never comes$/],
    ["main-thread-only.mjs", 20_000, /ends its thread while it is loaded \(code 5\)/],
    ["absent.mjs", 20_000, /there is no file/],
  ] as const) {
    it(`are asked for in vain, and one sentence says why: ${module}`, async () => {
      const cruncher = fixture(module);
      await assert.rejects(nameCruncher({ cruncher, timeoutMs }), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.ok(thrown.message.startsWith(`CRUNCHER="${cruncher}": `), thrown.message);
        assert.match(thrown.message, says);
        return !thrown.message.includes("\n");
      });
    });
  }
});
