/** A small share of `npm run fuzz`, the same at every run. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { malformedMessage } from "../../fuzz/malformed-messages.js";
import { fuzzMessages } from "../../fuzz/message-fuzz.js";
import { Random } from "../../fuzz/random.js";
import { fuzzSettings } from "../../fuzz/setting-fuzz.js";
import { tempFolder } from "../../support/temp-folder.js";

describe("malformed input", () => {
  const folder = tempFolder();
  after(() => folder.remove());

  it("of 5,000 messages each is rows or parked, byte for byte, and nothing throws", async () => {
    const totals = await fuzzMessages(5_000, 1);

    assert.equal(totals.whole + totals.inPart + totals.parked, 5_000);
    for (const [what, count] of Object.entries(totals)) {
      assert.ok(typeof count !== "number" || count > 0, `no ${what} among the messages`);
    }
  });

  it("of 5,000 settings and URIs each is taken or refused in one short sentence that names it", async () => {
    const { failures, accepted, refused } = await fuzzSettings(5_000, 1, folder.path);

    assert.deepEqual([...failures], []);
    assert.ok(accepted > 500 && refused > 500);
  });

  it("is the same for the same seed", () => {
    const draw = (seed: number): unknown[] => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => malformedMessage(random));
    };

    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });
});
