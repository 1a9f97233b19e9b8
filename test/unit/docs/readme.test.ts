import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { settingsTable } from "../../support/settings-table.js";

const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");

describe("README", () => {
  it("lists every setting with its default and meaning, as the code has them", () => {
    const [, rest = ""] = readme.split("<!-- settings -->");
    const [given = ""] = rest.split("<!-- /settings -->");

    assert.deepEqual(rowsOf(given), rowsOf(settingsTable()), `README.md needs:\n${settingsTable()}`);
  });
});

/** Cells without the padding that the formatter adds. */
function rowsOf(table: string): string[] {
  const rows = table.split("\n").filter((line) => line.startsWith("|") && !/^\|[\s|:-]+$/.test(line));
  return rows.map((line) => line.replace(/\s+/g, " "));
}
