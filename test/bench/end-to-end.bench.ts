/**
 * The whole path with everything on: 3,000,000 flights, file -> NATS with file storage -> threads
 * -> NATS -> DuckDB with de-duplication by ID, as `crunch up` runs it. Median of 5.
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { FLIGHTS_SOURCE } from "./lone-stage.js";
import { machineLine, ratesText } from "./machine.js";
import { up } from "./up.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const emissions = fileURLToPath(new URL("../../../examples/flight-emissions.mjs", import.meta.url));

process.stdout.write(`${await machineLine()}\n`);
for (const cruncher of ["identity", emissions]) {
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    rates.push((await up({ source: FLIGHTS_SOURCE, cruncher })).recordsPerSecond);
  }
  process.stdout.write(`end to end, ${basename(cruncher)}: ${ratesText(rates)} records/s\n`);
}
