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
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import type { BigQueryOptions } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import { JsonRows } from "../../services/results-engine/sinks/bigquery/json-rows.js";
import { ProtoRows } from "../../services/results-engine/sinks/bigquery/proto-rows.js";
import { RowEncoder } from "../../services/results-engine/sinks/bigquery/rows.js";
import type { Batch, Sink } from "../../services/results-engine/sinks/sink.js";
import type { ResultColumns } from "../../services/shared/codec/columns.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { machineLine, median } from "./machine.js";

const RUNS = 5;
const FRAME_ROWS = 2_048;
const BATCH_FRAMES = 20;
const BATCHES = 4;
const REQUEST_ROWS = [100, 500, 1_000, 2_000, 5_000];
const APPEND_ROWS = [1_000, 5_000, 10_000];
const MODES = ["stream", "write", "upsert"] as const;
const MANY_ROWS = 1_000_000;
/** Resident memory may be this much larger after {@link MANY_ROWS} than after as many before, in bytes. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

type Mode = (typeof MODES)[number];

/** Addresses of the server. */
interface Addresses {
  readonly endpoint: string;
  readonly write: string;
}

if (process.argv[2] === "server") await serve();
else await bench();

async function serve(): Promise<void> {
  const fake = await FakeBigQuery.start({ keepsRequests: false, writePort: 0 });
  const body = '{"kind":"bigquery#tableDataInsertAllResponse"}';
  fake.fail({ on: { path: /insertAll$/ }, body, times: Infinity }, { takesUnread: true, times: Infinity });
  process.send?.({ endpoint: fake.url, write: fake.write.url } satisfies Addresses);
  process.once("disconnect", () => void fake.close());
}

async function bench(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ["server"]);
  const [addresses] = (await once(server, "message")) as [Addresses];
  process.stdout.write(`${await machineLine()}\n`);
  for (const wide of [false, true]) {
    const batch = flights(wide);
    process.stdout.write(`${wide ? "IDs and data over all of int64" : "small IDs and data"}\n`);
    for (const mode of MODES) {
      reportEncoding(batch, mode);
      const sizes = mode === "stream" ? REQUEST_ROWS : APPEND_ROWS;
      for (const maxRequestRows of sizes) await reportWriting(addresses, batch, { mode, maxRequestRows });
      if (mode !== "stream") continue;
      await reportWriting(addresses, batch, { mode, maxRequestRows: 1_000, compresses: true });
    }
  }
  for (const mode of MODES) await reportMemory(addresses, flights(false), mode);
  server.disconnect();
}

/** Rows as crunched flights give them. */
function flights(wide: boolean): Batch {
  const nowUs = BigInt(Date.now()) * 1_000n;
  const parts = Array.from({ length: BATCH_FRAMES }, (_, frame): ResultColumns => {
    const meta = Buffer.from("ABE-ORD".repeat(FRAME_ROWS));
    const column = (value: (row: number) => bigint): BigInt64Array =>
      BigInt64Array.from({ length: FRAME_ROWS }, (_entry, row) => value(frame * FRAME_ROWS + row));
    const spread = (row: number): bigint => BigInt.asIntN(64, BigInt(row + 1) * 0x9e3779b97f4a7c15n);
    return {
      count: FRAME_ROWS,
      ids: column((row) => (wide ? spread(row) : BigInt(1_000_000 + row))),
      data: column((row) => (wide ? spread(row * 7) : BigInt(100 + ((row * 7_919) % 2_500)))),
      meta: {
        bytes: meta,
        starts: Uint32Array.from({ length: FRAME_ROWS }, (_entry, row) => row * 7),
        ends: Uint32Array.from({ length: FRAME_ROWS }, (_entry, row) => row * 7 + 7),
      },
      dTimeStampsUs: column(() => nowUs - BigInt(frame)),
      rData: column((row) => BigInt(row % 300)),
      processTimesUs: column((row) => nowUs + BigInt(row)),
      own: [],
    };
  });
  return { parts, rows: BATCH_FRAMES * FRAME_ROWS };
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

function open({ endpoint, write }: Addresses, mode: Mode, options: BigQueryOptions = {}): Promise<Sink> {
  const context = { lateAfterMs: 60_000, runId: "bench", warn: () => undefined };
  const where = mode === "stream" ? "" : `&write-endpoint=${write}`;
  const uri = parsePluginUri("SINK", `bigquery:p/d/t?mode=${mode}${where}`);
  return openBigQuerySink(uri, context, { endpoint, ...options });
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
  const sink = await open(addresses, mode, { maxRequestRows, compresses });
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
  const sink = await open(addresses, mode);
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
