/**
 * What a record costs each part in CPU time: the figures that docs/scaling.md plans with. Each stage works alone on
 * what its stream holds, from its start line on. Median of 3.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { cpuMsOf } from "../support/cpu-time.js";
import { runSql } from "../support/file-rows.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { serveUnread } from "./bigquery-bench.js";
import type { Addresses } from "./bigquery-bench.js";
import { FLIGHTS, FLIGHTS_FILE, FLIGHT_COLUMNS, LoneStages } from "./lone-stage.js";
import { machineLine, median } from "./machine.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "3");
const NDJSON_FLIGHTS = 1_000_000;

type Env = Readonly<Record<string, string>>;

/** One pipeline of a run, in a namespace of its own: what of it is printed has a name. */
interface Path {
  readonly source: string;
  readonly records: number;
  readonly names: { readonly data?: string; readonly engine?: string; readonly results?: string };
  readonly sink?: Env;
}

if (process.argv[2] === "server") await serveUnread();
else await bench();

async function bench(): Promise<void> {
  process.stdout.write(`${await machineLine()}\n`);
  const folder = tempFolder();
  const bigQuery = fork(fileURLToPath(import.meta.url), ["server"]);
  try {
    const [addresses] = (await once(bigQuery, "message")) as [Addresses];
    const paths = await pathsFrom(folder.path, addresses);
    const costs = new Map<string, number[]>();
    const note = (name: string, value: number): void => {
      costs.set(name, [...(costs.get(name) ?? []), value]);
    };
    for (let run = 0; run < RUNS; run += 1) await measure(paths, note);
    for (const [name, all] of costs) {
      const [middle = "", ...others] = [median(all), ...all].map((value) => value.toFixed(2));
      process.stdout.write(`${name}: ${middle} (${others.join(", ")})\n`);
    }
  } finally {
    bigQuery.disconnect();
    folder.remove();
  }
}

async function pathsFrom(folder: string, { endpoint, write }: Addresses): Promise<readonly Path[]> {
  await runSql(`COPY (FROM '${FLIGHTS_FILE}') TO '${folder}/flights.csv'`);
  await runSql(
    `COPY (FROM '${FLIGHTS_FILE}' LIMIT ${String(NDJSON_FLIGHTS)}) TO '${folder}/flights.ndjson' (FORMAT json)`,
  );
  await runSql(
    `COPY (SELECT (hash(i) >> 1)::BIGINT AS id, i % 2048 AS data, 'ABE-ORD' AS meta FROM range(${String(FLIGHTS)}) t(i)) ` +
      `TO '${folder}/random.parquet'`,
  );
  const flights = { source: `file:${FLIGHTS_FILE}?${FLIGHT_COLUMNS}`, records: FLIGHTS };
  const toBigQuery = (mode: string, params = ""): Path => ({
    ...flights,
    names: { results: `results-engine, BigQuery ${mode}` },
    sink: { SINK: `bigquery:p/d/t?mode=${mode}${params}`, BIGQUERY_API_ENDPOINT: endpoint },
  });
  return [
    {
      ...flights,
      names: {
        data: "data-engine, Parquet",
        engine: "crunch-engine, identity",
        results: "results-engine, DuckDB",
      },
      sink: { SINK: `duckdb:ordered.duckdb` },
    },
    {
      ...flights,
      source: `file:${folder}/flights.csv?${FLIGHT_COLUMNS}`,
      names: { data: "data-engine, CSV" },
    },
    {
      source: `file:${folder}/flights.ndjson?${FLIGHT_COLUMNS}`,
      records: NDJSON_FLIGHTS,
      names: { data: "data-engine, NDJSON" },
    },
    {
      source: `file:${folder}/random.parquet?id=id&data=data&meta=meta`,
      records: FLIGHTS,
      names: { results: "results-engine, DuckDB, random IDs" },
      sink: { SINK: "duckdb:random.duckdb" },
    },
    toBigQuery("stream"),
    toBigQuery("write", `&write-endpoint=${write}`),
    toBigQuery("upsert", `&write-endpoint=${write}`),
  ];
}

/** Each path once, over one server. */
async function measure(paths: readonly Path[], note: (name: string, us: number) => void): Promise<void> {
  const server = await NatsServer.start();
  const stages = await LoneStages.start(server);
  try {
    for (const [index, { source, records, names, sink }] of paths.entries()) {
      const env = { NAMESPACE: `path${String(index)}` };
      const before = (await cpuMsOf(server.pid)) ?? 0;
      const stage = async (command: "data" | "engine" | "results", more: Env): Promise<void> => {
        const cpuMs = await stages.cpuMs(command, { ...env, ...more });
        const name = names[command];
        if (name !== undefined) note(`${name}, us of CPU a record`, (cpuMs * 1_000) / records);
      };
      await stage("data", { SOURCE: source });
      if (sink === undefined) continue;
      await stage("engine", { CRUNCHER: "identity" });
      await stage("results", sink);
      if (index > 0) continue;
      const serverMs = ((await cpuMsOf(server.pid)) ?? 0) - before;
      note("nats-server, both streams, us of CPU a record", (serverMs * 1_000) / records);
      for (const stream of ["DATA", "RESULTS"] as const) {
        note(`${stream}, bytes a record`, (await stages.storedBytes(stream, env.NAMESPACE)) / records);
      }
    }
  } finally {
    await stages.stop();
  }
}
