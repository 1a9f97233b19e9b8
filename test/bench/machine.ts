import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { natsServerBinary } from "../../services/local/nats-server-binary.js";

/** One line that says where a figure was measured. */
export async function machineLine(): Promise<string> {
  const gib = Math.round(totalmem() / 2 ** 30);
  const cpu = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `${String(availableParallelism())} cores (${cpu}), ${String(gib)} GiB, Node ${process.versions.node}, ${await natsVersion()}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function natsVersion(): Promise<string> {
  return execFileSync(await natsServerBinary(process.env), ["--version"], { encoding: "utf8" }).trim();
}

/** The median, then every run. */
export function ratesText(rates: readonly number[]): string {
  const text = (rate: number): string => Math.round(rate).toLocaleString("en");
  return `${text(median(rates))} (${rates.map(text).join(", ")})`;
}
