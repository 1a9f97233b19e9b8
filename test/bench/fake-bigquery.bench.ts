/**
 * `crunch fake-bigquery` with its rows in memory and in a DuckDB file: how fast it takes rows that it reads and
 * keeps, and the memory that they take it. The sink that sends them shares the cores. One run each.
 */
import { performance } from "node:perf_hooks";
import { CrunchProcess } from "../support/engine-process.js";
import { residentMib } from "../support/resident-memory.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";
import { FRAME_ROWS, flights, openBenchSink } from "./bigquery-bench.js";
import type { Addresses, BenchMode } from "./bigquery-bench.js";
import { machineLine } from "./machine.js";

const ROWS = 500_000;
const BATCH_FRAMES = 20;
const MODES: readonly BenchMode[] = ["stream", "write"];

process.stdout.write(`${await machineLine()}\n`);
for (const mode of MODES) {
  for (const isInFile of [false, true]) await report(mode, isInFile);
}

async function report(mode: BenchMode, isInFile: boolean): Promise<void> {
  const folder = tempFolder();
  const database = isInFile ? ["--database", `${folder.path}/fake.duckdb`] : [];
  const args = ["fake-bigquery", "--port", "0", "--grpc-port", "0", "--json", ...database];
  const fake = new CrunchProcess(args, {}, folder.path);
  await until(() => fake.stdout.includes("}") || fake.ended, 60_000, "the fake's addresses");
  const { url, writeUrl } = JSON.parse(fake.stdout) as { url: string; writeUrl: string };
  const addresses: Addresses = { endpoint: url, write: writeUrl };
  const sink = await openBenchSink(addresses, mode);
  const batch = flights(BATCH_FRAMES, false);
  const startedAtMs = performance.now();
  let stored = 0;
  while (stored < ROWS) {
    // Else insertIds would be known.
    for (const { ids } of batch.parts) for (let row = 0; row < FRAME_ROWS; row++) ids[row] = BigInt(stored++);
    await sink.write(batch, new AbortController().signal);
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const mib = await residentMib(fake.pid);
  await sink.close();
  fake.kill("SIGTERM");
  await fake.exited;
  folder.remove();
  process.stdout.write(
    `${mode}, ${isInFile ? "--database" : "in memory"}: ${Math.round(stored / seconds).toLocaleString("en")} rows/s, ` +
      `${mib.toFixed(0)} MiB after ${stored.toLocaleString("en")} rows\n`,
  );
}
