/** One record a message, as foreign clients send them: from the first publish to the last row. Median of 5. */
import { create, toBinary } from "@bufbuild/protobuf";
import { MyDataSchema } from "../../proto/gen/messages_pb.js";
import { until } from "../support/until.js";
import { LoneStages } from "./lone-stage.js";
import { machineLine, ratesText } from "./machine.js";
import { publishWindowed } from "./raw-jetstream.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const RECORDS = 200_000;
const WINDOW = 1_000;
const END_MS = 120_000;

process.stdout.write(`${await machineLine()}\n`);
const payloads = Array.from({ length: RECORDS }, (_, index) =>
  toBinary(MyDataSchema, create(MyDataSchema, { ID: BigInt(index), Data: BigInt(index), Meta: "ABE-ORD" })),
);
const rates: number[] = [];
for (let run = 0; run < RUNS; run += 1) rates.push(await singles());
process.stdout.write(`singles, end to end: ${ratesText(rates)} records/s\n`);

async function singles(): Promise<number> {
  const stages = await LoneStages.start();
  try {
    const crunch = stages.start("engine", { CRUNCHER: "identity" });
    const results = stages.start("results", { SINK: "duckdb:bench.duckdb" });
    await Promise.all([crunch.started(), results.started()]);
    const startedAtMs = performance.now();
    await publishWindowed(stages.nc, "data", payloads.values(), WINDOW);
    const isFinished = async (): Promise<boolean> =>
      (await stages.unfinished("DATA")) === 0 && (await stages.unfinished("RESULTS")) === 0;
    await until(isFinished, END_MS, "every row stored");
    const spentMs = performance.now() - startedAtMs;
    for (const engine of [crunch, results]) engine.kill("SIGTERM");
    await Promise.all([crunch.exited, results.exited]);
    const stored = results.stopped?.stored;
    if (stored !== RECORDS) throw new Error(`stored ${String(stored)} of ${String(RECORDS)}`);
    return (RECORDS * 1_000) / spentMs;
  } finally {
    await stages.stop();
  }
}
