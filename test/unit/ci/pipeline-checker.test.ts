import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPipeline } from "../../support/concourse/check.js";
import { changes, files, pipeline } from "../../support/concourse/mistakes.js";

describe("the checker of pipelines", () => {
  const check = (text: string, changed: Readonly<Record<string, string>> = {}): string[] => {
    const all = { ...files, ...changed };
    return checkPipeline(text, {
      artifact: "repo",
      read: (path) => all[path],
      isExecutable: (path) => path.endsWith(".sh"),
    });
  };

  it("finds nothing in a pipeline that is right", () => {
    assert.deepEqual(check(pipeline), []);
  });

  for (const { mistake, file, from, to, says } of changes) {
    it(`finds ${mistake}`, () => {
      const before = file === undefined ? pipeline : (files[file] ?? "");
      const after = before.replace(from, to);
      assert.notEqual(after, before, "the example changes nothing");

      const found = file === undefined ? check(after) : check(pipeline, { [file]: after });

      assert.ok(
        found.some((sentence) => says.test(sentence)),
        `found only:\n${found.join("\n")}`,
      );
    });
  }
});
