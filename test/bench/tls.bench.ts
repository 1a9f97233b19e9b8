/**
 * The whole path over TLS with a user of least privilege, against the same without: `crunch up` with a
 * server of one's own, turn by turn in one run. Median of BENCH_RUNS pairs.
 */
import { NatsServer } from "../support/nats-server.js";
import { SecuredNats } from "../support/secured-nats.js";
import { machineLine, median, ratesText } from "./machine.js";
import { up } from "./up.js";

const RUNS = Number(process.env.BENCH_RUNS ?? "5");
const RECORDS = Number(process.env.BENCH_RECORDS ?? "3000000");
const source = `synthetic:?count=${String(RECORDS)}`;

process.stdout.write(`${await machineLine()}\n`);
const plain: number[] = [];
const encrypted: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const server = await NatsServer.start();
  plain.push((await up({ source, env: { NATS_URL: server.url } })).recordsPerSecond);
  await server.stop();
  const secured = await SecuredNats.start({ tls: true });
  encrypted.push((await up({ source, env: secured.env("operator") })).recordsPerSecond);
  await secured.stop();
}
process.stdout.write(`without TLS: ${ratesText(plain)} records/s\n`);
process.stdout.write(`with TLS and nkeys: ${ratesText(encrypted)} records/s\n`);
process.stdout.write(`ratio: ${(median(encrypted) / median(plain)).toFixed(2)}\n`);
