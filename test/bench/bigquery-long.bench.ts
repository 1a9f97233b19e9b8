/**
 * 10,000,000 rows through each mode of the BigQuery sink, in batches of the default size: rows a second, CPU time
 * a row of the sink's process with all its threads, and its memory on the way. The server is another process that keeps nothing.
 * Fails when memory grows with the rows. What V8 has of it tells nothing on the way: it may keep garbage of 12,000,000
 * rows, 40 MiB. So the rest is judged by its medians in the first and the last quarter of the rows after 2,000,000, and
 * the heap by what a collection at the end leaves, against the least in use in that first quarter.
 * One run; BENCH_MILLIONS shortens it, and up to 2 judges no growth.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Batch } from "../../services/results-engine/sinks/sink.js";
import { tempFolder } from "../support/temp-folder.js";
import { FRAME_ROWS, flights, openBenchSink, serveUnread } from "./bigquery-bench.js";
import type { Addresses, BenchMode } from "./bigquery-bench.js";
import { machineLine, median } from "./machine.js";

const MILLION = 1_000_000;
const MILLIONS = Number(process.env.BENCH_MILLIONS ?? "10");
const MODES: readonly BenchMode[] = ["stream", "write", "upsert", "load"];
/** BATCH_MAX_ROWS unless set. */
const BATCH_FRAMES = 122_880 / FRAME_ROWS;
const MARKS = [1, 2, 5, 10];
const BYTES_PER_MIB = 1024 * 1024;
/** By then every buffer has its size. */
const GROWN_UP_MILLIONS = 2;
const QUARTER_MILLIONS = (MILLIONS - GROWN_UP_MILLIONS) / 4;
/** What the heap has, and the rest, may each grow by this part of the rest's first median. */
const MAX_GROWTH = 0.1;

/** What the process of one mode tells. */
interface Long {
  readonly seconds: number;
  readonly cpuUs: number;
  readonly rows: number;
  /** After each batch. */
  readonly looks: readonly Look[];
  /** MiB of V8's heap that a collection at the end leaves; undefined where node may not be asked for one. */
  readonly liveMib: number | undefined;
}

interface Look {
  readonly rows: number;
  /** Resident MiB of the process. */
  readonly mib: number;
  /** Of them, what V8's heap takes. */
  readonly heapMib: number;
  /** Of that, what is in use, garbage with it. */
  readonly usedMib: number;
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
  const looks: Look[] = [];
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
      looks.push(look(rows));
    }
  };
  await Promise.all(Array.from({ length: sink.maxConcurrentWrites }, lane));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const used = process.cpuUsage(usedBefore);
  globalThis.gc?.();
  const liveMib = globalThis.gc === undefined ? undefined : look(rows).usedMib;
  await sink.close();
  spool.remove();
  return { seconds, cpuUs: used.user + used.system, rows, looks, liveMib };
}

function look(rows: number): Look {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const [mib, heapMib, usedMib] = [rss / BYTES_PER_MIB, heapTotal / BYTES_PER_MIB, heapUsed / BYTES_PER_MIB];
  return { rows, mib, heapMib, usedMib };
}

/** Rows of their own in frames of their own, one instant each: mode load knows what comes again. */
function renumber({ parts }: Batch, first: number): void {
  const nowUs = BigInt(Date.now()) * 1_000n;
  for (const [frame, { ids, dTimeStampsUs }] of parts.entries()) {
    for (let row = 0; row < ids.length; row++) ids[row] = BigInt(first + frame * FRAME_ROWS + row);
    dTimeStampsUs.fill(nowUs + BigInt(frame));
  }
}

function report(mode: BenchMode, long: Long): void {
  const { seconds, cpuUs, rows, looks } = long;
  const at = (millions: number): string => {
    const found = looks.find((one) => one.rows >= millions * MILLION);
    return `${found?.mib.toFixed(0) ?? "?"} MiB at ${String(millions)} M`;
  };
  const highest = Math.max(...looks.map(({ mib }) => mib));
  const growth = growthOf(long);
  process.stdout.write(
    `${mode}: ${rows.toLocaleString("en")} rows, ${Math.round(rows / seconds).toLocaleString("en")} rows/s, ` +
      `${(cpuUs / rows).toFixed(2)} us of CPU a row; ${MARKS.map(at).join(", ")}; ` +
      `highest ${highest.toFixed(0)} MiB; ${growth.text}\n`,
  );
  if (growth.isTooMuch) throw new Error(`${mode}: memory grows with the rows`);
}

function growthOf({ looks, liveMib }: Long): { readonly text: string; readonly isTooMuch: boolean } {
  const within = (from: number, to: number): readonly Look[] =>
    looks.filter(({ rows }) => rows > from * MILLION && rows <= to * MILLION);
  const first = within(GROWN_UP_MILLIONS, GROWN_UP_MILLIONS + QUARTER_MILLIONS);
  const last = within(MILLIONS - QUARTER_MILLIONS, Infinity);
  if (first.length === 0 || last.length === 0 || liveMib === undefined) {
    const why =
      liveMib === undefined ? "without --expose-gc" : `too few rows after ${String(GROWN_UP_MILLIONS)} M`;
    return { text: `growth not judged, ${why}`, isTooMuch: false };
  }
  const [early, late] = [restMib(first), restMib(last)];
  const roomMib = early * MAX_GROWTH;
  const usedMib = Math.min(...first.map((one) => one.usedMib));
  return {
    text:
      `besides the heap median ${early.toFixed(0)} MiB (${spanText(first)}), ${late.toFixed(0)} MiB (${spanText(last)}); ` +
      `heap at least ${usedMib.toFixed(0)} MiB (${spanText(first)}), ${liveMib.toFixed(0)} MiB after a collection at the end`,
    isTooMuch: late > early + roomMib || liveMib > usedMib + roomMib,
  };
}

function restMib(looks: readonly Look[]): number {
  return median(looks.map(({ mib, heapMib }) => mib - heapMib));
}

/** As "2.1 to 3.9 M". */
function spanText(looks: readonly Look[]): string {
  const millions = (index: number): string => ((looks.at(index)?.rows ?? 0) / MILLION).toFixed(1);
  return `${millions(0)} to ${millions(-1)} M`;
}
