/**
 * 10,000,000 rows through each mode of the BigQuery sink, in batches of the default size: rows a second, CPU time
 * a row of the sink's process with all its threads, and its memory on the way. The server is another process that keeps nothing.
 * Fails when memory grows with the rows. One run; BENCH_MILLIONS shortens it.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Batch } from "../../services/results-engine/sinks/sink.js";
import { tempFolder } from "../support/temp-folder.js";
import { FRAME_ROWS, flights, openBenchSink, serveUnread } from "./bigquery-bench.js";
import type { Addresses, BenchMode } from "./bigquery-bench.js";
import { machineLine } from "./machine.js";

const MILLION = 1_000_000;
const MILLIONS = Number(process.env.BENCH_MILLIONS ?? "10");
const MODES: readonly BenchMode[] = ["stream", "write", "upsert", "load"];
/** BATCH_MAX_ROWS unless set. */
const BATCH_FRAMES = 122_880 / FRAME_ROWS;
const MARKS = [1, 2, 5, 10];
const BYTES_PER_MIB = 1024 * 1024;
/** By then every buffer has its size; the highest after it may be so much above the highest before. */
const GROWN_UP_MILLIONS = 2;
const MAX_GROWTH = 1.1;

/** What the process of one mode tells. */
interface Long {
  readonly seconds: number;
  readonly cpuUs: number;
  readonly rows: number;
  /** Resident MiB after each batch. */
  readonly looks: readonly { readonly rows: number; readonly mib: number }[];
}

const [, , role, mode, endpoint = "", write = ""] = process.argv;
if (role === "server") await serveUnread();
else if (role === "sink") process.send?.(await run(mode as BenchMode, { endpoint, write }));
else await bench();

async function bench(): Promise<void> {
  const self = fileURLToPath(import.meta.url);
  const server = fork(self, ["server"]);
  const [addresses] = (await once(server, "message")) as [Addresses];
  process.stdout.write(`${await machineLine()}\n`);
  for (const one of MODES) {
    const sink = fork(self, ["sink", one, addresses.endpoint, addresses.write]);
    const [long] = (await Promise.race([once(sink, "message"), failed(sink)])) as [Long];
    sink.disconnect();
    report(one, long);
  }
  server.disconnect();
}

async function failed(sink: ReturnType<typeof fork>): Promise<never> {
  const [code] = (await once(sink, "exit")) as [number | null];
  throw new Error(`the sink's process ended with ${String(code)}`);
}

async function run(mode: BenchMode, addresses: Addresses): Promise<Long> {
  const spool = tempFolder();
  const sink = await openBenchSink(addresses, mode, { spool: spool.path });
  const looks: { rows: number; mib: number }[] = [];
  const signal = new AbortController().signal;
  let begun = 0;
  let rows = 0;
  const usedBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  const lane = async (): Promise<void> => {
    const batch = flights(BATCH_FRAMES, false);
    while (begun < MILLIONS * MILLION) {
      renumber(batch, begun);
      begun += batch.rows;
      const { stored } = await sink.write(batch, signal);
      if (stored !== batch.rows) throw new Error(`${String(stored)} of ${String(batch.rows)} rows stored`);
      rows += stored;
      looks.push({ rows, mib: process.memoryUsage.rss() / BYTES_PER_MIB });
    }
  };
  await Promise.all(Array.from({ length: sink.maxConcurrentWrites }, lane));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const used = process.cpuUsage(usedBefore);
  await sink.close();
  spool.remove();
  return { seconds, cpuUs: used.user + used.system, rows, looks };
}

/** Rows of their own in frames of their own, one instant each: mode load knows what comes again. */
function renumber({ parts }: Batch, first: number): void {
  const nowUs = BigInt(Date.now()) * 1_000n;
  for (const [frame, { ids, dTimeStampsUs }] of parts.entries()) {
    for (let row = 0; row < ids.length; row++) ids[row] = BigInt(first + frame * FRAME_ROWS + row);
    dTimeStampsUs.fill(nowUs + BigInt(frame));
  }
}

function report(mode: BenchMode, { seconds, cpuUs, rows, looks }: Long): void {
  const highest = (isIn: (rows: number) => boolean): number =>
    Math.max(0, ...looks.filter((look) => isIn(look.rows)).map(({ mib }) => mib));
  const at = (millions: number): string => {
    const look = looks.find((one) => one.rows >= millions * MILLION);
    return `${look?.mib.toFixed(0) ?? "?"} MiB at ${String(millions)} M`;
  };
  const early = highest((count) => count <= GROWN_UP_MILLIONS * MILLION);
  const late = highest((count) => count > GROWN_UP_MILLIONS * MILLION);
  process.stdout.write(
    `${mode}: ${rows.toLocaleString("en")} rows, ${Math.round(rows / seconds).toLocaleString("en")} rows/s, ` +
      `${(cpuUs / rows).toFixed(2)} us of CPU a row; ${MARKS.map(at).join(", ")}; ` +
      `highest up to ${String(GROWN_UP_MILLIONS)} M ${early.toFixed(0)} MiB, after it ${late.toFixed(0)} MiB\n`,
  );
  if (late > early * MAX_GROWTH) throw new Error(`${mode}: memory grows with the rows`);
}
