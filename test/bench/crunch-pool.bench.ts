/**
 * The pool alone: bytes in, bytes out, no NATS. First what the path through a thread costs with a
 * cruncher that does nothing, then what is lost of a cruncher's own time against a bare loop on as
 * many threads, one and all, then singles.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { loadCruncher } from "../../services/crunch-engine/crunchers/index.js";
import { PiscinaPool } from "../../services/crunch-engine/pool/piscina-pool.js";
import type { CrunchJob } from "../../services/crunch-engine/pool/pool.js";
import { frameOf, singleOf } from "../support/jobs.js";
import { machineLine, median } from "./machine.js";

const FRAME_RECORDS = 2_048;
const RUNS = 5;
const busy100us = fileURLToPath(new URL("../../../test/support/fixtures/busy-100us.mjs", import.meta.url));
const allThreads = availableParallelism();

process.stdout.write(`${await machineLine()}\n`);
const frame = frameOf(
  Array.from({ length: FRAME_RECORDS }, (_, index) => ({ data: BigInt(index * 977), meta: "ABQ-DAL" })),
);
for (let threads = 1; threads <= Math.min(2, allThreads); threads += 1) {
  const rates = await ratesOf("identity", threads, frame, 1_000, FRAME_RECORDS);
  print(`identity, frames of ${String(FRAME_RECORDS)}, ${String(threads)} threads`, rates, "records/s");
}

// One after the other in turns, so that a busy neighbour on the machine slows all alike.
const threadCounts = allThreads === 1 ? [1] : [1, allThreads];
const turns: { readonly pooled: readonly number[]; readonly bare: readonly number[] }[] = [];
for (let turn = 0; turn < RUNS; turn += 1) {
  const pooled: number[] = [];
  const bare: number[] = [];
  for (const threads of threadCounts) {
    pooled.push(...(await ratesOf(busy100us, threads, frame, 4 * threads, FRAME_RECORDS, 1)));
    bare.push(await bareRate(threads, 4 * FRAME_RECORDS));
  }
  turns.push({ pooled, bare });
}
for (const [place, threads] of threadCounts.entries()) {
  const name = `${String(threads)} threads`;
  print(
    `100 µs cruncher, ${name}`,
    turns.map(({ pooled }) => pooled[place] ?? 0),
    "records/s",
  );
  print(
    `the same in a bare loop, ${name}`,
    turns.map(({ bare }) => bare[place] ?? 0),
    "records/s",
  );
  ratio(`share of the bare loop, ${name}`, ({ pooled, bare }) => (pooled[place] ?? 0) / (bare[place] ?? 0));
}
ratio(`${String(allThreads)} threads against 1`, ({ pooled }) => (pooled.at(-1) ?? 0) / (pooled[0] ?? 0));
ratio(
  `${String(allThreads)} threads against 1, bare loop`,
  ({ bare }) => (bare.at(-1) ?? 0) / (bare[0] ?? 0),
);

const singles = await ratesOf("identity", allThreads, singleOf({ data: 27n, meta: "one" }), 30_000, 1);
print(`identity, singles, ${String(allThreads)} threads`, singles, "records/s");

/** Sends `job` `times` times, 16 per thread in flight (512 for singles), and measures records per second. */
async function ratesOf(
  cruncher: string,
  threads: number,
  job: CrunchJob,
  times: number,
  recordsPerJob: number,
  runs = RUNS,
): Promise<number[]> {
  const { version } = await loadCruncher(cruncher);
  const pool = await PiscinaPool.start({
    cruncher,
    version,
    threads,
    timeoutMs: 60_000,
    loadTimeoutMs: 60_000,
    threadMaxMemoryMb: 512,
  });
  const rates: number[] = [];
  // The first run warms the threads up and does not count.
  for (let run = 0; run <= runs; run += 1) {
    const startedAtMs = performance.now();
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < times) {
        sent += 1;
        await pool.crunch(job);
      }
    };
    await Promise.all(Array.from({ length: job.isFrame ? 16 * threads : 512 }, lane));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    if (run > 0) rates.push((times * recordsPerJob) / seconds);
  }
  await pool.close();
  return rates;
}

/** The same cruncher in a bare loop on each thread, warmed up first: records per second of all of them. */
async function bareRate(threads: number, recordsPerThread: number): Promise<number> {
  const code = `
    import { parentPort, workerData } from "node:worker_threads";
    const { default: crunch } = await import(workerData);
    parentPort.on("message", (records) => {
      for (let i = 0; i < records; i += 1) crunch({ Data: BigInt(i * 977) });
      parentPort.postMessage("done");
    });`;
  const source = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const options = { workerData: pathToFileURL(busy100us).href };
  const workers = Array.from({ length: threads }, () => new Worker(source, options));
  const crunchAll = async (records: number): Promise<void> => {
    const done = workers.map((worker) => once(worker, "message"));
    for (const worker of workers) worker.postMessage(records);
    await Promise.all(done);
  };
  await crunchAll(recordsPerThread / 4);
  const startedAtMs = performance.now();
  await crunchAll(recordsPerThread);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (threads * recordsPerThread) / seconds;
}

/** The median over the turns. */
function ratio(what: string, of: (turn: (typeof turns)[number]) => number): void {
  process.stdout.write(`${what}: ${median(turns.map(of)).toFixed(3)}\n`);
}

function print(what: string, rates: readonly number[], unit: string): void {
  const all = rates.map((rate) => Math.round(rate).toLocaleString("en")).join(", ");
  process.stdout.write(`${what}: ${Math.round(median(rates)).toLocaleString("en")} ${unit} (${all})\n`);
}
