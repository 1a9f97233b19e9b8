/**
 * 20,000,000 records with IDs in random order, end to end into DuckDB: the rate of each million,
 * and the memory of each engine. One run.
 */
import { MALLOC_DEFAULTS } from "../../services/local/engine-environment.js";
import { runSql } from "../support/file-rows.js";
import { NatsServer } from "../support/nats-server.js";
import { CrunchProcess } from "../support/engine-process.js";
import { residentMib } from "../support/resident-memory.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";
import { machineLine, median } from "./machine.js";

const MILLIONS = Number(process.env.BENCH_MILLIONS ?? "20");
const MILLION = 1_000_000;
const END_MS = 1_200_000;

process.stdout.write(`${await machineLine()}\n`);
const folder = tempFolder();
const server = await NatsServer.start();
const file = `${folder.path}/random.parquet`;
await runSql(
  `COPY (SELECT (hash(i) >> 1)::BIGINT AS id, i % 2048 AS data, 'ABE-ORD' AS meta FROM range(${String(MILLIONS * MILLION)}) t(i)) TO '${file}'`,
);
const env = { NATS_URL: server.url, HTTP_PORT: "0" };
const resultsEnv = { ...env, ...MALLOC_DEFAULTS["results-engine"], SINK: "duckdb:bench.duckdb" };
const results = new CrunchProcess(["results"], resultsEnv, folder.path);
const crunch = new CrunchProcess(["engine"], { ...env, CRUNCHER: "identity" }, folder.path);
await Promise.all([results.started(), crunch.started()]);
const source = `file:${file}?id=id&data=data&meta=meta`;
const data = new CrunchProcess(["data"], { ...env, SOURCE: source }, folder.path);
await data.started();

const startedAtMs = performance.now();
const endsMs: number[] = [];
const highestMib = new Map<string, number>();
const early = new Map<string, number>();
await until(isStored, END_MS, "every row stored");
const seconds = (performance.now() - startedAtMs) / 1_000;
const spentMs = endsMs.map((endMs, index) => endMs - (endsMs[index - 1] ?? startedAtMs));
const half = spentMs.slice(0, Math.floor(MILLIONS / 2));
const rate = (ms: number): string => Math.round((MILLION * 1_000) / ms).toLocaleString("en");
process.stdout.write(
  `${String(MILLIONS)} M random IDs: ${Math.round((MILLIONS * MILLION) / seconds).toLocaleString("en")} records/s; ` +
    `first half ${rate(median(half))} (median million), last million ${rate(spentMs.at(-1) ?? Number.NaN)}\n`,
);
for (const [name, mib] of highestMib) {
  const after = early.get(name) ?? Number.NaN;
  process.stdout.write(`${name}: ${mib.toFixed(0)} MiB resident at most, ${after.toFixed(0)} after 5 M\n`);
}
for (const engine of [crunch, results]) engine.kill("SIGTERM");
await Promise.all([crunch.exited, results.exited, data.exited]);
await server.stop();
folder.remove();

async function isStored(): Promise<boolean> {
  const rows = await results.metric("results_rows_total", 'outcome="stored"');
  while (endsMs.length < Math.floor(rows / MILLION)) endsMs.push(performance.now());
  for (const [name, engine] of Object.entries({
    "data-engine": data,
    "crunch-engine": crunch,
    "results-engine": results,
  })) {
    if (engine.ended) continue;
    const mib = await residentMib(engine.pid);
    highestMib.set(name, Math.max(mib, highestMib.get(name) ?? 0));
    if (rows <= 5 * MILLION) early.set(name, Math.max(mib, early.get(name) ?? 0));
  }
  return rows >= MILLIONS * MILLION;
}
