import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";

/** One line that says where a figure was measured. */
export function machineLine(): string {
  const gib = Math.round(totalmem() / 2 ** 30);
  const cpu = cpus()[0]?.model.trim() ?? "unknown CPU";
  return `${String(availableParallelism())} cores (${cpu}), ${String(gib)} GiB, Node ${process.versions.node}, ${natsVersion()}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function natsVersion(): string {
  const binary = process.env.NATS_SERVER_BIN ?? "nats-server";
  try {
    return execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
  } catch {
    return "nats-server of the cache";
  }
}
