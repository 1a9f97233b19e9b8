import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { loadCruncher } from "../../../services/crunch-engine/crunchers/index.js";
import { UserError } from "../../../services/shared/errors.js";
import { tempFolder } from "../../support/temp-folder.js";

const folder = tempFolder();
after(() => folder.remove());

function write(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

const record = { ID: 1n, Data: 20n, Meta: "m" };

describe("a cruncher of the user's own", () => {
  it("is the default export of a file, by absolute or relative path", async () => {
    const path = write("half.mjs", "export default ({ Data }) => Data / 2n;\n");

    for (const text of [path, relative(process.cwd(), path)]) {
      const cruncher = await loadCruncher(text);
      assert.equal(cruncher.name, "half.mjs");
      assert.equal(cruncher.crunch(record), 10n);
    }
  });

  it("has the version that it exports, else a hash of its file", async () => {
    const versioned = write("versioned.mjs", 'export const version = "2.1";\nexport default () => 1;\n');
    const one = write("hashed.mjs", "export default () => 1;\n");
    const other = write("hashed-too.mjs", "export default () => 2;\n");

    assert.equal((await loadCruncher(versioned)).version, "2.1");
    const versions = [(await loadCruncher(one)).version, (await loadCruncher(other)).version];
    for (const version of versions) assert.match(version, /^[0-9a-f]{12}$/);
    assert.notEqual(versions[0], versions[1]);
  });

  it("may be CommonJS", async () => {
    const path = write("old.js", "module.exports = (record) => record.Data;\n");

    assert.equal((await loadCruncher(path)).crunch(record), 20n);
  });

  it("may have the name of a built-in, which it does not replace", async () => {
    const path = write("collatz.mjs", "export default () => -1;\n");

    assert.equal((await loadCruncher(path)).name, "collatz.mjs");
    assert.equal((await loadCruncher("collatz")).crunch({ ...record, Data: 27n }), 111);
  });
});

describe("a CRUNCHER that cannot be used is one sentence:", () => {
  mkdirSync(join(folder.path, "folder.mjs"));
  const cases: readonly [title: string, text: string, says: RegExp][] = [
    ["an unknown name", "sha", /must be one of collatz, primes, identity, or a file/],
    ["a missing file", "./absent.mjs", /there is no file .*absent\.mjs$/],
    ["a folder", join(folder.path, "folder.mjs"), /is a folder, not a file$/],
    ["TypeScript", write("typed.ts", "export default () => 1;"), /must be a \.mjs or \.js file$/],
    [
      "a syntax error",
      write("broken.mjs", "// fine\nexport default (record => ;\n"),
      /cannot be loaded \(line 2\): SyntaxError: /,
    ],
    [
      "a file that throws",
      write("throws.mjs", "const x = 1;\nnull.x;\nexport default () => 1;\n"),
      /cannot be loaded \(line 2\): TypeError: /,
    ],
    [
      "a missing import",
      write("imports.mjs", 'import "./none.mjs";\nexport default () => 1;\n'),
      /cannot be loaded: Error: Cannot find module .*none\.mjs/,
    ],
    ["no default export", write("named.mjs", "export const crunch = 1;\n"), /needs a default export/],
    [
      "no function",
      write("number.mjs", "export default 42;\n"),
      /default export must be a function, not number$/,
    ],
    [
      "a version that is no text",
      write("version.mjs", "export const version = 2;\nexport default () => 1;\n"),
      /version export must be a text/,
    ],
  ];
  for (const [title, text, says] of cases) {
    it(title, async () => {
      await assert.rejects(loadCruncher(text), (thrown) => {
        assert.ok(thrown instanceof UserError);
        assert.ok(thrown.message.startsWith(`CRUNCHER="${text}": `), thrown.message);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /\n/);
        return true;
      });
    });
  }
});
