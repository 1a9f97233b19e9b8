import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty folder under the system's temp folder. */
export function tempFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "crunch-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
