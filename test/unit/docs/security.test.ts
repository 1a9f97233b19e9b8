import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { permissionsTables } from "../../support/permissions-table.js";

const page = readFileSync(new URL("../../../../docs/security.md", import.meta.url), "utf8");

describe("docs/security.md", () => {
  it("lists what each NATS user may do, as the code has it", () => {
    const [, rest = ""] = page.split("<!-- permissions -->");
    const [given = ""] = rest.split("<!-- /permissions -->");

    assert.deepEqual(
      linesOf(given),
      linesOf(permissionsTables()),
      `docs/security.md needs:\n${permissionsTables()}`,
    );
  });
});

/** Without the padding that the formatter adds. */
function linesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !/^\|[\s|:-]+$/.test(line));
  return lines.map((line) => line.replace(/\s+/g, " "));
}
