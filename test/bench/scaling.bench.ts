/**
 * How the crunch-engine scales: cost of the cruncher, threads, engines, size of records, copies of the
 * streams. Each line runs on records that lie in DATA, so that nothing else takes part of the machine but
 * the nats-server. Writes `scaling.png` beside `results.md`.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { NatsCluster } from "../support/nats-cluster.js";
import { tempFolder } from "../support/temp-folder.js";
import { LoneStages } from "./lone-stage.js";
import { machineLine, median } from "./machine.js";
import { plotScaling } from "./scaling-plot.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "3");
const PLOT = fileURLToPath(new URL("../../../test/bench/scaling.png", import.meta.url));
/** About so much crunching for a line, in seconds of one thread. */
const WORK_SECONDS = 8;
const MAX_RECORDS = 1_000_000;
/** Records of 20 bytes to 10 kB: what ID and Data take, and the rest as Meta. */
const META_BYTES = [4, 180, 1_980, 9_980];

interface Line {
  readonly crunchUs: number;
  readonly threads: number;
  readonly engines: number;
  readonly metaBytes: number;
  readonly servers: 1 | 3;
}

const plain: Line = { crunchUs: 0, threads: 2, engines: 1, metaBytes: 10, servers: 1 };
const lines: readonly Line[] = [
  ...[0, 10, 100, 1_000].flatMap((crunchUs) => [1, 2, 4].map((threads) => ({ ...plain, crunchUs, threads }))),
  ...[2, 4].map((engines) => ({ ...plain, crunchUs: 100, threads: 1, engines })),
  ...META_BYTES.map((metaBytes) => ({ ...plain, metaBytes })),
  { ...plain, servers: 3 },
];

process.stdout.write(`${await machineLine()}\nmedian of ${String(RUNS)} runs\n\n`);
process.stdout.write(
  "| cruncher | threads | engines | record | servers | records/s | us of engines' CPU a record | cores in use |\n",
);
process.stdout.write("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
const folder = tempFolder();
const busy = join(folder.path, "busy.mjs");
writeFileSync(
  busy,
  `const us = Number(process.env.BUSY_US);
export default (record) => {
  const endMs = performance.now() + us / 1_000;
  while (performance.now() < endMs);
  return record.ID;
};
`,
);
const measured: { line: Line; rate: number }[] = [];
try {
  for (const line of lines) measured.push({ line, rate: await measure(line) });
} finally {
  folder.remove();
}
writeFileSync(
  PLOT,
  plotScaling(
    measured
      .filter(({ line }) => line.metaBytes === plain.metaBytes && line.servers === 1 && line.engines === 1)
      .map(({ line, rate }) => ({ crunchUs: line.crunchUs, threads: line.threads, rate })),
    availableParallelism(),
  ),
);

/** Prints the line of the table. @returns records per second */
async function measure(line: Line): Promise<number> {
  const records = Math.min(MAX_RECORDS, recordsFor(line));
  const costs = [];
  for (let run = 0; run < RUNS; run += 1) costs.push(await once(line, records));
  const rate = median(costs.map(({ spentMs }) => (records * 1_000) / spentMs));
  const cpuUs = median(costs.map(({ cpuMs }) => (cpuMs * 1_000) / records));
  const busyCores = median(costs.map(({ cpuMs, spentMs }) => cpuMs / spentMs));
  const cells = [
    line.crunchUs === 0 ? "identity" : `${String(line.crunchUs)} us`,
    line.threads,
    line.engines,
    `${String(line.metaBytes + 20)} B`,
    line.servers,
    Math.round(rate).toLocaleString("en"),
    cpuUs.toFixed(2),
    busyCores.toFixed(2),
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
  return rate;
}

async function once(line: Line, records: number): Promise<{ spentMs: number; cpuMs: number }> {
  const stages = await LoneStages.start(line.servers === 3 ? await NatsCluster.start() : undefined);
  try {
    const copies = { STREAM_REPLICAS: String(line.servers) };
    const file = await recordsFile(records, line.metaBytes);
    await stages.publish({ ...copies, SOURCE: `file:${file}?id=id&data=data&meta=meta` });
    const env = { ...copies, THREADS: String(line.threads), BUSY_US: String(line.crunchUs) };
    return await stages.crunchBy(line.engines, { ...env, CRUNCHER: line.crunchUs === 0 ? "identity" : busy });
  } finally {
    await stages.stop();
  }
}

function recordsFor({ crunchUs, metaBytes }: Line): number {
  return Math.floor(Math.min((WORK_SECONDS * 1e6) / Math.max(1, crunchUs), 400_000_000 / (metaBytes + 20)));
}

async function recordsFile(records: number, metaBytes: number): Promise<string> {
  const path = join(folder.path, `${String(records)}-${String(metaBytes)}.parquet`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT range AS id, range AS data, repeat('x', ${String(metaBytes)}) AS meta ` +
      `FROM range(${String(records)})) TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  return path;
}
