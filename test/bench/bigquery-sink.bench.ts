/**
 * What the BigQuery sink costs this side: CPU time of its process, all threads, a row, with a server
 * in another process that takes every body unread. Median of 5, after a warm-up. Then 1,000,000 rows through each
 * mode, and what memory they leave behind.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { JsonRows } from "../../services/results-engine/sinks/bigquery/json-rows.js";
import { ProtoRows } from "../../services/results-engine/sinks/bigquery/proto-rows.js";
import { RowEncoder } from "../../services/results-engine/sinks/bigquery/rows.js";
import type { Batch } from "../../services/results-engine/sinks/sink.js";
import { flights, openBenchSink, serveUnread } from "./bigquery-bench.js";
import type { Addresses } from "./bigquery-bench.js";
import { machineLine, median } from "./machine.js";

const RUNS = 5;
const BATCH_FRAMES = 20;
const BATCHES = 4;
const REQUEST_ROWS = [100, 500, 1_000, 2_000, 5_000];
const APPEND_ROWS = [1_000, 5_000, 10_000];
const MODES = ["stream", "write", "upsert"] as const;
const MANY_ROWS = 1_000_000;
/** Resident memory may be this much larger after {@link MANY_ROWS} than after as many before, in bytes. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

type Mode = (typeof MODES)[number];

if (process.argv[2] === "server") await serveUnread();
else await bench();

async function bench(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ["server"]);
  const [addresses] = (await once(server, "message")) as [Addresses];
  process.stdout.write(`${await machineLine()}\n`);
  for (const wide of [false, true]) {
    const batch = flights(BATCH_FRAMES, wide);
    process.stdout.write(`${wide ? "IDs and data over all of int64" : "small IDs and data"}\n`);
    for (const mode of MODES) {
      reportEncoding(batch, mode);
      const sizes = mode === "stream" ? REQUEST_ROWS : APPEND_ROWS;
      for (const maxRequestRows of sizes) await reportWriting(addresses, batch, { mode, maxRequestRows });
      if (mode !== "stream") continue;
      await reportWriting(addresses, batch, { mode, maxRequestRows: 1_000, compresses: true });
    }
  }
  for (const mode of MODES) await reportMemory(addresses, flights(BATCH_FRAMES, false), mode);
  server.disconnect();
}

function reportEncoding(batch: Batch, mode: Mode): void {
  const format = mode === "stream" ? new JsonRows() : new ProtoRows(mode === "upsert");
  const encoder = new RowEncoder({ maxRows: 1_000, maxBytes: 9_000_000 }, 60_000, true, format);
  const bodies: Buffer[] = [];
  const times = Array.from({ length: RUNS + 1 }, () => {
    bodies.length = 0;
    const startedAt = performance.now();
    const rows = encoder.rows(batch);
    const now = Date.now();
    for (let next = encoder.next(rows, now); next; next = encoder.next(rows, now)) bodies.push(next.body);
    return performance.now() - startedAt;
  }).slice(1);
  const rowsPerSecond = (batch.rows / median(times)) * 1_000;
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  const startedAt = performance.now();
  const encoded = `  ${mode}, encode: ${format.name}, ${rate(rowsPerSecond)} rows/s, ${String(Math.round(bytes / batch.rows))} bytes a row`;
  if (mode !== "stream") {
    process.stdout.write(`${encoded}\n`);
    return;
  }
  const zipped = bodies.reduce((sum, body) => sum + gzipSync(body, { level: 1 }).length, 0);
  const zipUs = ((performance.now() - startedAt) * 1_000) / batch.rows;
  process.stdout.write(
    `${encoded}; gzip -1 would cost ${zipUs.toFixed(2)} us a row more and leave ${String(Math.round((zipped / bytes) * 100))} %\n`,
  );
}

async function reportWriting(
  addresses: Addresses,
  batch: Batch,
  {
    mode,
    maxRequestRows,
    compresses = false,
  }: { readonly mode: Mode; readonly maxRequestRows: number; readonly compresses?: boolean },
): Promise<void> {
  const sink = await openBenchSink(addresses, mode, { maxRequestRows, compresses });
  const cpu: number[] = [];
  const wall: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const usedBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (let written = 0; written < BATCHES; written++) {
      await sink.write(batch, new AbortController().signal);
    }
    const used = process.cpuUsage(usedBefore);
    if (run === 0) continue;
    cpu.push(((BATCHES * batch.rows) / (used.user + used.system)) * 1e6);
    wall.push(((BATCHES * batch.rows) / (performance.now() - startedAt)) * 1_000);
  }
  await sink.close();
  process.stdout.write(
    `  ${mode}, ${String(maxRequestRows).padStart(5)} rows a request${compresses ? ", gzipped" : ""}: ${rate(median(cpu))} rows/s of CPU time,` +
      ` ${rate(median(wall))} rows/s beside the server\n`,
  );
}

/** Fails when rows leave memory behind. */
async function reportMemory(addresses: Addresses, batch: Batch, mode: Mode): Promise<void> {
  const sink = await openBenchSink(addresses, mode);
  const resident: number[] = [];
  for (let run = 0; run < 2; run++) {
    let stored = 0;
    while (stored < MANY_ROWS) stored += (await sink.write(batch, new AbortController().signal)).stored;
    resident.push(process.memoryUsage.rss());
  }
  await sink.close();
  const [before = 0, after = 0] = resident;
  const megabytes = (bytes: number): string => String(Math.round(bytes / 1024 / 1024));
  process.stdout.write(
    `  ${mode}, memory after ${MANY_ROWS.toLocaleString("en")} rows: ${megabytes(before)} MB, after as many more: ${megabytes(after)} MB\n`,
  );
  if (after - before > MAX_GROWTH_BYTES) throw new Error(`${mode} keeps memory of rows that are stored`);
}

function rate(value: number): string {
  return Math.round(value).toLocaleString("en").padStart(9);
}
