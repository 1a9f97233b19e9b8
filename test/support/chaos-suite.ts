import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunReport } from "../chaos/run.js";

const chaos = fileURLToPath(new URL("../chaos/chaos.js", import.meta.url));

/**
 * Runs the chaos suite for a check and prints a line of what it saw.
 *
 * @throws Error with its whole output when it found a difference or recovered too slowly
 */
export function runSuite(what: string, args: readonly string[]): void {
  const run = spawnSync(process.execPath, [chaos, ...args, "--json"], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${what}: ${run.stderr}${run.stdout}`);
  const { ledger, faults, recoveriesMs } = JSON.parse(run.stdout) as RunReport;
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `${what}: ${String(ledger.confirmed)} confirmed, ${String(faultCount)} faults, ` +
      `0 lost, 0 twice, recovered within ${String(Math.round(Math.max(...recoveriesMs)))} ms\n`,
  );
}
