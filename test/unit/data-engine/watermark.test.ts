import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Watermark } from "../../../services/data-engine/watermark.js";

describe("Watermark", () => {
  it("is the end of the longest run of confirmed ranges from the start, in whatever order they come", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(lengths, fc.infiniteStream(fc.nat()), (given, picks) => {
        const watermark = new Watermark(100);
        let end = 100;
        const ranges = given.map((length) => {
          end += length;
          return { end, confirm: watermark.begin(end), isDone: false };
        });
        const open = [...ranges];
        while (open.length > 0) {
          const [range] = open.splice((picks.next().value ?? 0) % open.length, 1);
          if (range === undefined) break;
          range.confirm();
          range.isDone = true;
          const firstOpen = ranges.findIndex((each) => !each.isDone);
          const expected = firstOpen < 0 ? end : firstOpen === 0 ? 100 : ranges[firstOpen - 1]?.end;
          assert.equal(watermark.confirmedPosition, expected);
        }
      }),
    );
  });
});
