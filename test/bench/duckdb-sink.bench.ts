/** The DuckDB sink alone, de-duplication by ID included, beside DuckDB's own INSERT ... SELECT. Median of 5. */
import { DuckDBInstance } from "@duckdb/node-api";
import { join } from "node:path";
import type { ResultColumns } from "../../services/shared/codec/columns.js";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { tempFolder } from "../support/temp-folder.js";
import { machineLine, median } from "./machine.js";

const ROWS = Number(process.env.BENCH_ROWS ?? "3000000");
const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const PART_ROWS = 2_048;
const BATCH_ROWS = Number(process.env.BATCH_MAX_ROWS ?? "122880");

process.stdout.write(`${await machineLine()}\n${ROWS} rows, batches of ${BATCH_ROWS}\n`);
const cases = { "ordered IDs": (row: number) => row, "random IDs": scramble };
for (const [name, idOf] of Object.entries(cases)) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    ours.push(await timed((path) => writeAll(path, idOf)));
    theirs.push(await timed((path) => insertSelect(path, name === "random IDs")));
  }
  const ratio = median(ours) / median(theirs);
  process.stdout.write(
    `duckdb sink, ${name}: ${show(ours)} rows/s; INSERT ... SELECT into a table with the same key: ` +
      `${show(theirs)} rows/s; ratio ${ratio.toFixed(2)}\n`,
  );
}

function show(rates: readonly number[]): string {
  return Math.round(median(rates)).toLocaleString("en");
}

/** @param work returns the milliseconds that count */
async function timed(work: (path: string) => Promise<number>): Promise<number> {
  const folder = tempFolder();
  const spentMs = await work(join(folder.path, "bench.duckdb"));
  folder.remove();
  return (ROWS * 1_000) / spentMs;
}

/** Making the rows is the bench's own work and does not count; closing, with its checkpoint, does. */
async function writeAll(path: string, idOf: (row: number) => number): Promise<number> {
  let spentMs = 0;
  const sink = await openSink(`duckdb:${path}`, {
    lateAfterMs: 60_000,
    runId: "bench",
    warn: () => undefined,
  });
  const { signal } = new AbortController();
  for (let start = 0; start < ROWS; start += BATCH_ROWS) {
    const parts: ResultColumns[] = [];
    for (let at = start; at < Math.min(ROWS, start + BATCH_ROWS); at += PART_ROWS) {
      parts.push(part(at, Math.min(PART_ROWS, start + BATCH_ROWS - at, ROWS - at), idOf));
    }
    const rows = parts.reduce((sum, { count }) => sum + count, 0);
    const startMs = performance.now();
    const outcome = await sink.write({ parts, rows }, signal);
    spentMs += performance.now() - startMs;
    if (outcome.stored !== rows) throw new Error(`stored ${outcome.stored} of ${rows}`);
  }
  const closeMs = performance.now();
  await sink.close();
  return spentMs + performance.now() - closeMs;
}

function part(start: number, count: number, idOf: (row: number) => number): ResultColumns {
  const nowUs = BigInt(Date.now()) * 1_000n;
  const text = new TextEncoder().encode("ABE-ORD");
  return {
    count,
    ids: BigInt64Array.from({ length: count }, (_, row) => BigInt(idOf(start + row))),
    data: BigInt64Array.from({ length: count }, (_, row) => BigInt(row)),
    meta: { bytes: text, starts: new Uint32Array(count), ends: new Uint32Array(count).fill(text.length) },
    dTimeStampsUs: new BigInt64Array(count).fill(nowUs),
    rData: new BigInt64Array(count).fill(42n),
    processTimesUs: new BigInt64Array(count).fill(nowUs),
    own: [],
  };
}

/** A bijection on 32-bit numbers, so every ID is there once. */
function scramble(row: number): number {
  const mixed = Math.imul(row ^ (row >>> 16), 0x45d9f3b) >>> 0;
  return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ (row >>> 31)) >>> 0;
}

async function insertSelect(path: string, isRandom: boolean): Promise<number> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(
    "create table results (ID bigint primary key, Data bigint, Meta varchar, DTimeStamp timestamp, RData bigint, ProcessTime timestamp, RTimeStamp timestamp, Late boolean)",
  );
  const startedMs = performance.now();
  const id = isRandom ? "(hash(i) >> 1)::bigint" : "i";
  for (let start = 0; start < ROWS; start += BATCH_ROWS) {
    await connection.run(
      `insert into results select ${id}, i % 2048, 'ABE-ORD', now()::timestamp, 42, now()::timestamp, now()::timestamp, false ` +
        `from range(${start}, ${Math.min(ROWS, start + BATCH_ROWS)}) t(i)`,
    );
  }
  connection.closeSync();
  instance.closeSync();
  return performance.now() - startedMs;
}
