/** From published to row stored at a steady pace, and from the command to the summary of a small run. Median of 5. */
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";
import { machineLine, median } from "./machine.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const RATE = 5_000;
const SECONDS = 15;

process.stdout.write(`${await machineLine()}\n`);
const p50: number[] = [];
const p99: number[] = [];
const small: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const source = `synthetic:?count=${String(RATE * SECONDS)}&rate=${String(RATE)}&seed=1`;
  const paced = await up(source, { BATCH_MAX_WAIT_MS: "10" });
  p50.push(paced.latencyMs.p50);
  p99.push(paced.latencyMs.p99);
  const startedAtMs = performance.now();
  await up("synthetic:?count=1000&seed=1", {});
  small.push(performance.now() - startedAtMs);
}
const ms = (values: readonly number[]): string =>
  `${median(values).toFixed(1)} ms (${values.map((value) => value.toFixed(1)).join(", ")})`;
process.stdout.write(`latency at ${RATE.toLocaleString("en")} records/s: p50 ${ms(p50)}, p99 ${ms(p99)}\n`);
process.stdout.write(`crunch up on 1,000 records, from command to summary: ${ms(small)}\n`);

async function up(source: string, env: Readonly<Record<string, string>>) {
  const folder = tempFolder();
  try {
    const args = [
      "up",
      "--source",
      source,
      "--cruncher",
      "identity",
      "--sink",
      "duckdb:bench.duckdb",
      "--json",
    ];
    const run = await runCrunch(args, { cwd: folder.path, env, deadlineMs: 120_000 });
    if (run.code !== 0) throw new Error(`exit ${String(run.code)}: ${run.stderr}`);
    return JSON.parse(run.lastLine) as { latencyMs: { p50: number; p99: number } };
  } finally {
    folder.remove();
  }
}
