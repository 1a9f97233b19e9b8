/** `npm run chaos`: see `--help`. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../services/shared/errors.js";
import { readArgs } from "./args.js";
import type { ChaosArgs } from "./args.js";
import { runMutation } from "./mutations.js";
import { boutsOf, describeFault } from "./plan.js";
import { isClean, reportText } from "./report.js";
import { runChaos } from "./run.js";
import { loneServer, serverCluster } from "./servers.js";
import { bigQueryTable, duckDbTable, writersOf } from "./tables.js";
import { namesOf } from "./trio.js";

/** Bouts that `--plan` prints. */
const PLANNED_BOUTS = 20;

// The engines and servers must not outlive their runner.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  const code = await main(readArgs(process.argv.slice(2)));
  // The NATS client leaves the socket of a dial without an answer open. A server that is killed just then
  // may never close it either, and the process would wait for that.
  process.exit(code);
} catch (thrown) {
  if (!(thrown instanceof UserError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 2;
}

async function main(args: ChaosArgs): Promise<number> {
  if (args.helpText !== undefined) {
    process.stdout.write(args.helpText);
    return 0;
  }
  if (args.isPlan) {
    printPlan(args);
    return 0;
  }
  if (args.mutation !== undefined) return mutate(args.mutation);
  const write = (text: string): void => void (args.isJson ? process.stderr : process.stdout).write(text);
  const startedAtMs = performance.now();
  const say = (line: string): void =>
    write(`${((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
  const servers = await (args.isCluster ? serverCluster : loneServer)(args.natsServer);
  const folder = mkdtempSync(join(tmpdir(), "crunch-chaos-"));
  const table = args.sink === "bigquery" ? await bigQueryTable(args.mode, folder) : duckDbTable(folder);
  try {
    const report = await runChaos({ ...args, folder, servers, table, say });
    write(reportText(report, args.command));
    const isGood = isClean(report) && Math.max(0, ...report.recoveriesMs) <= args.maxRecoveryMs;
    if (args.isJson)
      process.stdout.write(`${JSON.stringify({ isGood, command: args.command, ...report })}\n`);
    if (isGood) rmSync(folder, { recursive: true, force: true });
    else {
      for (const [index, store] of servers.folders.entries()) {
        cpSync(store, join(folder, `nats-${String(index + 1)}`), { recursive: true });
      }
      write(`  FAILED       logs, table and streams in ${folder}\n`);
    }
    return isGood ? 0 : 1;
  } finally {
    await table.close();
    await servers.stop();
  }
}

async function mutate(name: string): Promise<number> {
  const { found, examples } = await runMutation(name);
  const isSeen = found > 0;
  const verdict = isSeen ? `found by ${String(found)} differences` : "NOT FOUND: the suite is blind to it";
  process.stdout.write(`${name} broken: ${verdict}\n`);
  for (const example of examples.slice(0, 3)) process.stdout.write(`  ${example}\n`);
  return isSeen ? 0 : 1;
}

function printPlan({ seed, sink, mode, isCluster, only }: ChaosArgs): void {
  const engines = namesOf(writersOf(sink, mode)).map(([name]) => name);
  const bouts = boutsOf({ seed, sink, mode, only, engines, servers: isCluster ? 3 : 1 });
  for (let count = 0; count < PLANNED_BOUTS; count += 1) {
    const { faults, calmMs } = bouts.next().value;
    process.stdout.write(`${faults.map(describeFault).join(" + ")}, then calm for ${String(calmMs)} ms\n`);
  }
}
