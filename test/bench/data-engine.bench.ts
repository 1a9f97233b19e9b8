/**
 * The sources alone, one thread of JavaScript: to chunks, and on to encoded frames as data-engine
 * publishes them. Median of 5; RSS is the highest seen while reading.
 */
import { Framer } from "../../services/data-engine/framer.js";
import { openSource } from "../../services/data-engine/sources/index.js";
import { runSql } from "../support/file-rows.js";
import { tempFolder } from "../support/temp-folder.js";
import { FLIGHTS_FILE, FLIGHT_COLUMNS } from "./lone-stage.js";
import { machineLine, median } from "./machine.js";

const RUNS = 5;
const LIMITS = { maxRecords: 2_048, maxBytes: 131_072, maxRecordBytes: 900_000 };

const folder = tempFolder();
await runSql(`COPY (FROM '${FLIGHTS_FILE}') TO '${folder.path}/flights.csv'`);
await runSql(`COPY (FROM '${FLIGHTS_FILE}' LIMIT 1000000) TO '${folder.path}/flights.ndjson' (FORMAT json)`);

const sources: readonly [name: string, uri: string][] = [
  ["Parquet, 3,000,000 flights", `file:${FLIGHTS_FILE}?${FLIGHT_COLUMNS}`],
  ["CSV, 3,000,000 flights", `file:${folder.path}/flights.csv?${FLIGHT_COLUMNS}`],
  ["NDJSON, 1,000,000 flights", `file:${folder.path}/flights.ndjson?${FLIGHT_COLUMNS}`],
  ["synthetic, 3,000,000", "synthetic:?count=3000000"],
];

process.stdout.write(`${await machineLine()}\n`);
for (const [name, uri] of sources) {
  for (const stage of ["chunks", "frames"] as const) {
    const rates: number[] = [];
    let maxRssBytes = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const { recordsPerSecond, rssBytes } = await measure(uri, stage);
      rates.push(recordsPerSecond);
      maxRssBytes = Math.max(maxRssBytes, rssBytes);
    }
    const rate = Math.round(median(rates)).toLocaleString("en");
    process.stdout.write(
      `${name} to ${stage}: ${rate} records/s (RSS ${String(Math.round(maxRssBytes / 1e6))} MB)\n`,
    );
  }
}
folder.remove();

async function measure(
  uri: string,
  stage: "chunks" | "frames",
): Promise<{ recordsPerSecond: number; rssBytes: number }> {
  const source = await openSource(uri, { lingerMs: 10 });
  const framer = new Framer(LIMITS, 0);
  const startedAtMs = performance.now();
  let records = 0;
  let frameBytes = 0;
  let chunks = 0;
  let rssBytes = 0;
  for await (const chunk of source.chunks(0, new AbortController().signal)) {
    records = chunk.endPosition;
    chunks += 1;
    if (chunks % 100 === 0) rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
    if (stage === "frames") {
      for (const frame of framer.add(chunk)) frameBytes += frame.payload?.length ?? 0;
    }
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  await source.close();
  if (stage === "frames" && frameBytes < records) throw new Error("frames without records");
  return { recordsPerSecond: records / seconds, rssBytes };
}
