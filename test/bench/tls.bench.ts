/**
 * The whole path over TLS with a user of least privilege, against the same without: `crunch up` with a
 * server of one's own, turn by turn in one run. Median of BENCH_RUNS pairs.
 */
import { runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { SecuredNats } from "../support/secured-nats.js";
import { tempFolder } from "../support/temp-folder.js";
import { machineLine, median, ratesText } from "./machine.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const RECORDS = Number(process.env.BENCH_RECORDS ?? "3000000");

process.stdout.write(`${await machineLine()}\n`);
const plain: number[] = [];
const encrypted: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const server = await NatsServer.start();
  plain.push(await endToEnd({ NATS_URL: server.url }));
  await server.stop();
  const secured = await SecuredNats.start({ tls: true });
  encrypted.push(await endToEnd(secured.env("operator")));
  await secured.stop();
}
process.stdout.write(`without TLS: ${ratesText(plain)} records/s\n`);
process.stdout.write(`with TLS and nkeys: ${ratesText(encrypted)} records/s\n`);
process.stdout.write(`ratio: ${(median(encrypted) / median(plain)).toFixed(2)}\n`);

async function endToEnd(env: Readonly<Record<string, string>>): Promise<number> {
  const folder = tempFolder();
  try {
    const source = `synthetic:?count=${String(RECORDS)}`;
    const args = [
      "up",
      "--source",
      source,
      "--cruncher",
      "identity",
      "--sink",
      "duckdb:bench.duckdb",
      "--json",
    ];
    const run = await runCrunch(args, { cwd: folder.path, env, deadlineMs: 300_000 });
    if (run.code !== 0) throw new Error(`exit ${String(run.code)}: ${run.stderr}`);
    return (JSON.parse(run.lastLine) as { recordsPerSecond: number }).recordsPerSecond;
  } finally {
    folder.remove();
  }
}
