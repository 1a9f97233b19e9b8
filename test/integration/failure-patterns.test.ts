import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { failurePatterns } from "../support/failure-patterns.js";

/** The sources: the compiled files say the same, but a `${}` in a name is easier to find there. */
const testFolder = fileURLToPath(new URL("../../../test/", import.meta.url));

describe("the failure patterns of similar systems", () => {
  it("are all twenty there, in order", () => {
    assert.deepEqual(
      failurePatterns.map(({ pattern }) => /^\((\d+)\) ./.exec(pattern)?.[1]),
      Array.from({ length: 20 }, (_, index) => String(index + 1)),
    );
  });

  for (const { pattern, tests, returnsWith } of failurePatterns) {
    it(`have their tests: ${pattern}`, () => {
      assert.ok(tests.length > 0 || returnsWith !== undefined, "no test and no reason");
      for (const [file, name] of tests) {
        const source = readFileSync(`${testFolder}${file}`, "utf8");
        const isThere = ['"', "`"].some(
          (quote) =>
            source.includes(`(${quote}${name}${quote},`) || source.includes(`\n    ${quote}${name}${quote},`),
        );
        assert.ok(isThere, `${file} has no test "${name}"`);
      }
    });
  }
});
