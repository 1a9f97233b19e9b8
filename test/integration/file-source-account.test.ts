import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { InputFolder } from "../support/file-rows.js";

const input = new InputFolder();
after(() => input.remove());

/** Each is one line that is no row of three columns. */
const BROKEN = ["a,b", "x", "1,2,3,4", 'q,"a"b,c', "1,2,3,4,5,6", 'a,b"c","d"e,f,g'];
const META = ["x", "", '"a,b"', '"he said ""hi"""', '"two\nlines"', "é", " "];
const META_VALUES = ["x", "", "a,b", 'he said "hi"', "two\nlines", "é", " "];

const line = fc.oneof(
  { weight: 4, arbitrary: fc.record({ meta: fc.nat({ max: META.length - 1 }), value: fc.integer() }) },
  { weight: 1, arbitrary: fc.constantFrom(...BROKEN) },
);

describe("a CSV with broken rows", () => {
  it("is accounted for to the last row, wherever they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 80 }), async (lines) => {
        const text = lines.map((each, index) =>
          typeof each === "string" ? each : `${String(index)},${String(each.value)},${META[each.meta] ?? ""}`,
        );
        const found = await input.readText("csv", `n,v,m\n${text.join("\n")}\n`, "id=n&data=v&meta=m");
        assert.deepEqual(
          found.records,
          lines.flatMap((each, index) =>
            typeof each === "string"
              ? []
              : [[BigInt(index), BigInt(each.value), META_VALUES[each.meta] ?? ""]],
          ),
        );
        assert.deepEqual(
          found.bad.map(({ row }) => row.trimEnd()),
          lines.filter((each) => typeof each === "string"),
        );
        assert.equal(found.endPosition, lines.length);
      }),
      { numRuns: 30 },
    );
  });

  it("is accounted for when it is larger than what is read at once", async () => {
    const rows = 1_200_000;
    const broken = 11;
    const lines: string[] = ["n,v,m"];
    for (let row = 0; row < rows; row += 1) {
      const isBroken = row % Math.floor(rows / broken) === 7;
      lines.push(
        isBroken ? `${String(row)},broken` : `${String(row)},1,some text to make it longer ${String(row)}`,
      );
    }
    const found = await input.readText("csv", `${lines.join("\n")}\n`, "id=n&data=v");
    const expected = lines.slice(1).filter((text) => text.endsWith("broken"));
    assert.deepEqual(
      found.bad.map(({ row }) => row.trimEnd()),
      expected,
    );
    assert.equal(found.endPosition, rows);
    let last = -1n;
    for (const [id] of found.records) {
      assert.ok(id > last);
      last = id;
    }
    assert.equal(found.records.length, rows - expected.length);
  });
});
