import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunReport } from "../chaos/run.js";

/** The longest takes three minutes; one that hangs must not take the time of all other checks. */
const RUN_MS = 900_000;

const chaos = fileURLToPath(new URL("../chaos/chaos.js", import.meta.url));

/**
 * Runs the chaos suite for a check and prints a line of what it saw.
 *
 * @throws Error with its whole output when it found a difference, recovered too slowly or did not end
 */
export function runSuite(what: string, args: readonly string[]): void {
  const run = spawnSync(process.execPath, [chaos, ...args, "--json"], {
    encoding: "utf8",
    timeout: RUN_MS,
  });
  if (run.error !== undefined) throw new Error(`${what}: ${run.error.message}\n${run.stderr}${run.stdout}`);
  if (run.status !== 0) throw new Error(`${what}: ${run.stderr}${run.stdout}`);
  const { ledger, faults, recoveriesMs } = JSON.parse(run.stdout) as RunReport;
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `${what}: ${String(ledger.confirmed)} confirmed, ${String(faultCount)} faults, ` +
      `0 lost, 0 twice, recovered within ${String(Math.round(Math.max(...recoveriesMs)))} ms\n`,
  );
}
