/** From published to row stored at a steady pace, and from the command to the summary of a small run. Median of 5. */
import { machineLine, median } from "./machine.js";
import { up } from "./up.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const RATE = 5_000;
const SECONDS = 15;

process.stdout.write(`${await machineLine()}\n`);
const p50: number[] = [];
const p99: number[] = [];
const small: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const source = `synthetic:?count=${String(RATE * SECONDS)}&rate=${String(RATE)}&seed=1`;
  const paced = await up({ source, env: { BATCH_MAX_WAIT_MS: "10" } });
  p50.push(paced.latencyMs.p50);
  p99.push(paced.latencyMs.p99);
  const startedAtMs = performance.now();
  await up({ source: "synthetic:?count=1000&seed=1" });
  small.push(performance.now() - startedAtMs);
}
const ms = (values: readonly number[]): string =>
  `${median(values).toFixed(1)} ms (${values.map((value) => value.toFixed(1)).join(", ")})`;
process.stdout.write(`latency at ${RATE.toLocaleString("en")} records/s: p50 ${ms(p50)}, p99 ${ms(p99)}\n`);
process.stdout.write(`crunch up on 1,000 records, from command to summary: ${ms(small)}\n`);
