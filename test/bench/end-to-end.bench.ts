/**
 * The whole path with everything on: 3,000,000 flights, file -> NATS with file storage -> threads
 * -> NATS -> DuckDB with de-duplication by ID, as `crunch up` runs it. Median of 5.
 */
import { fileURLToPath } from "node:url";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";
import { machineLine, median } from "./machine.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const flights = fileURLToPath(
  new URL("../../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url),
);
const emissions = fileURLToPath(new URL("../../../examples/flight-emissions.mjs", import.meta.url));

process.stdout.write(`${await machineLine()}\n`);
for (const cruncher of ["identity", emissions]) {
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run += 1) rates.push(await endToEnd(cruncher));
  const name = cruncher.split("/").at(-1) ?? cruncher;
  const all = rates.map((rate) => Math.round(rate).toLocaleString("en")).join(", ");
  process.stdout.write(
    `end to end, ${name}: ${Math.round(median(rates)).toLocaleString("en")} records/s (${all})\n`,
  );
}

async function endToEnd(cruncher: string): Promise<number> {
  const folder = tempFolder();
  try {
    const source = `file:${flights}?data=distance&meta=origin || '-' || destination`;
    const args = [
      "up",
      "--source",
      source,
      "--cruncher",
      cruncher,
      "--sink",
      "duckdb:bench.duckdb",
      "--json",
    ];
    const run = await runCrunch(args, { cwd: folder.path, deadlineMs: 300_000 });
    if (run.code !== 0) throw new Error(`exit ${String(run.code)}: ${run.stderr}`);
    const summary = JSON.parse(run.lastLine) as { stored: number; recordsPerSecond: number };
    if (summary.stored !== 3_000_000) throw new Error(`stored ${String(summary.stored)} of 3,000,000`);
    return summary.recordsPerSecond;
  } finally {
    folder.remove();
  }
}
