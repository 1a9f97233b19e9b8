/**
 * What tracing costs: CPU time of a crunch-engine and of a results-engine for one record, each alone, with
 * tracing off, at 1 % and at 100 %, in frames and in singles. By turns in one run; the median of each.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { LoneStages } from "./lone-stage.js";
import { machineLine, median } from "./machine.js";
import { publishWindowed } from "./raw-jetstream.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "3");
const FRAMED = 1_000_000;
const SINGLES = 40_000;

type Env = Readonly<Record<string, string>>;

/** Takes whatever comes. */
const collector = createServer((request, response) => {
  request.resume().on("end", () => response.end("{}"));
}).listen(0, "127.0.0.1");
await once(collector, "listening");
const on = {
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`,
};
const modes: readonly (readonly [string, Env])[] = [
  ["off", {}],
  ["1 %", { ...on, OTEL_TRACES_SAMPLER_ARG: "0.01" }],
  ["100 %", { ...on, OTEL_TRACES_SAMPLER_ARG: "1" }],
];

process.stdout.write(`${await machineLine()}\n`);
const figures = new Map<string, number[]>();
for (let run = 0; run < RUNS; run += 1) {
  for (const [mode, env] of modes) {
    await measure(`frames, ${mode}`, env, FRAMED);
    await measure(`singles, ${mode}`, env, SINGLES);
  }
}
for (const [name, all] of [...figures].sort(([a], [b]) => a.localeCompare(b))) {
  const [middle, ...others] = [median(all), ...all].map((figure) => figure.toFixed(3));
  process.stdout.write(`${name}: ${middle ?? ""} µs of CPU a record (${others.join(", ")})\n`);
}
collector.closeAllConnections();
collector.close();

async function measure(name: string, env: Env, records: number): Promise<void> {
  const stages = await LoneStages.start();
  try {
    const publish = async (): Promise<void> => {
      if (records === FRAMED) {
        await stages.publish({ ...env, SOURCE: `synthetic:?count=${String(records)}` });
        return;
      }
      const payloads = Array.from({ length: records }, (_, index) =>
        encodeRecord(BigInt(index), 1n, "ABE-ORD"),
      );
      await publishWindowed(stages.nc, "data", payloads.values(), 1_000);
    };
    const crunch = { ...env, CRUNCHER: "identity" };
    note(`crunch-engine, ${name}`, await stages.cpuMs("engine", crunch, publish), records);
    const results = { ...env, SINK: "duckdb:bench.duckdb" };
    note(`results-engine, ${name}`, await stages.cpuMs("results", results), records);
  } finally {
    await stages.stop();
  }
}

function note(name: string, cpuMs: number, records: number): void {
  const all = figures.get(name) ?? [];
  figures.set(name, all);
  all.push((cpuMs * 1_000) / records);
}
