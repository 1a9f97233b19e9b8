/**
 * Each stage alone over a real nats-server with file storage, one after the other on the same
 * 3,000,000 flights, beside JetStream's own pace with the same bytes. Median of 5.
 */
import { FLIGHTS, FLIGHTS_SOURCE, LoneStages } from "./lone-stage.js";
import { machineLine, median, ratesText } from "./machine.js";
import { consumeRaw, publishRaw } from "./raw-jetstream.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");

process.stdout.write(`${await machineLine()}\n`);
const rates = new Map<string, number[]>();
for (let run = 0; run < RUNS; run += 1) {
  const stages = await LoneStages.start();
  try {
    take("data-engine alone, Parquet to confirmed frames", await stages.publish({ SOURCE: FLIGHTS_SOURCE }));
    const { payloads, spentMs } = await consumeRaw(stages.nc, "DATA");
    take("raw JetStream, the same frames taken and acked", spentMs);
    take("raw JetStream, the same frames published", await publishRaw(stages.nc, payloads));
    take("crunch-engine alone, identity", await stages.crunch({ CRUNCHER: "identity" }));
    take("results-engine alone, into DuckDB", await stages.store({ SINK: "duckdb:bench.duckdb" }));
  } finally {
    await stages.stop();
  }
}
for (const [name, all] of rates) process.stdout.write(`${name}: ${ratesText(all)} records/s\n`);
const share = (name: string, raw: string): string =>
  (median(rates.get(name) ?? []) / median(rates.get(raw) ?? [])).toFixed(2);
const [data = "", taken = "", published = ""] = rates.keys();
process.stdout.write(`data-engine against raw publishing: ${share(data, published)}\n`);
process.stdout.write(`crunch-engine against raw taking: ${share("crunch-engine alone, identity", taken)}\n`);

function take(name: string, spentMs: number): void {
  const all = rates.get(name) ?? [];
  rates.set(name, all);
  all.push((FLIGHTS * 1_000) / spentMs);
}
