import type { CheckedFile } from "../definition/check.js";
import { differencesOf } from "./comparison.js";
import { withInstances } from "./instances.js";
import type { Marathon } from "../api/marathon.js";

/**
 * What deploying the file would do, for people; nothing is changed. Marathon itself plans for a group; for
 * an app, which it cannot plan for, what runs is compared to the file.
 *
 * @throws MarathonError
 */
export async function dryRun(
  file: CheckedFile,
  keepsInstances: boolean,
  marathon: Marathon,
): Promise<readonly string[]> {
  const { kind, id } = file;
  const body = keepsInstances ? await withInstances(file, marathon) : file.body;
  if (kind === "group") {
    const { steps } = await marathon.plan(id, body);
    if (steps.length === 0) return [`${id}: nothing would change`];
    return [
      `${id}: would take ${String(steps.length)} steps`,
      ...steps.map(
        ({ actions }, index) =>
          `  step ${String(index + 1)}: ${actions.map(({ what, app }) => `${what} ${app}`).join(", ")}`,
      ),
    ];
  }
  const running = await marathon.app(id);
  if (running === undefined) return [`${id}: would be started`];
  const differences = differencesOf({ ...body, id: running.id }, running);
  if (differences.length === 0) return [`${id}: nothing would change`];
  return [`${id}: would change ${differences.join(", ")}`];
}
