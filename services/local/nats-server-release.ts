import { createHash } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Env } from "../shared/config.js";
import { messageOf } from "../shared/errors.js";
import { runCommand } from "./run-command.js";

/** The release that `crunch up` fetches: the older of the two lines that NATS supports. */
export const NATS_SERVER_VERSION = "2.12.15";
export const RELEASE_URL = `https://github.com/nats-io/nats-server/releases/download/v${NATS_SERVER_VERSION}`;

/** Longest wait for the short list of checksums, which also shows whether the host can be reached. */
const CHECKSUMS_TIMEOUT_MS = 6_000;
/** Longest silence while the archive (some 7 MB) comes in. */
const SILENCE_TIMEOUT_MS = 6_000;
const UNPACK_TIMEOUT_MS = 30_000;

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm7",
  ia32: "386",
  s390x: "s390x",
};

/** Name of the release's archive for a machine; undefined if there is none that `tar` unpacks. */
export function releaseArchiveName(
  platform: NodeJS.Platform,
  architecture: NodeJS.Architecture,
): string | undefined {
  const arch = ARCHITECTURES[architecture];
  if (arch === undefined || !["linux", "darwin", "freebsd"].includes(platform)) return undefined;
  return `nats-server-v${NATS_SERVER_VERSION}-${platform}-${arch}.tar.gz`;
}

/**
 * Fetches the official archive, checks it against the release's SHA256SUMS and unpacks it.
 *
 * @param folder an empty folder; the result lies in it
 * @returns path of the executable
 * @throws Error that says what was asked and why it did not work
 */
export async function fetchRelease(
  archive: string,
  folder: string,
  options: { baseUrl: string; env: Env },
): Promise<string> {
  const sumsUrl = `${options.baseUrl}/SHA256SUMS`;
  const sums = await download(sumsUrl, AbortSignal.timeout(CHECKSUMS_TIMEOUT_MS));
  const expected = checksumOf(archive, Buffer.from(sums).toString("utf8"));
  if (expected === undefined) throw new Error(`${sumsUrl} does not list ${archive}`);

  const bytes = await downloadWhileItFlows(`${options.baseUrl}/${archive}`);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== expected) {
    throw new Error(`${archive} has SHA-256 ${actual}, the release says ${expected}: refused`);
  }
  const archivePath = join(folder, archive);
  await writeFile(archivePath, bytes);
  const unpacked = await runCommand("tar", ["-xzf", archivePath, "-C", folder], {
    timeoutMs: UNPACK_TIMEOUT_MS,
    env: options.env,
  });
  if (unpacked.status !== 0) throw new Error(`tar cannot unpack ${archive}: ${unpacked.stderr}`);
  const path = join(folder, archive.replace(/\.tar\.gz$/, ""), "nats-server");
  await chmod(path, 0o755);
  return path;
}

/** The SHA-256 that a SHA256SUMS file gives for `name`. */
export function checksumOf(name: string, sums: string): string | undefined {
  for (const line of sums.split("\n")) {
    const match = /^([0-9a-f]{64})\s+\*?(\S+)$/.exec(line.trim());
    if (match?.[2] === name) return match[1];
  }
  return undefined;
}

async function downloadWhileItFlows(url: string): Promise<Uint8Array> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${String(SILENCE_TIMEOUT_MS)} ms`)),
    SILENCE_TIMEOUT_MS,
  );
  try {
    return await download(url, silence.signal, () => timer.refresh());
  } finally {
    clearTimeout(timer);
  }
}

async function download(url: string, signal: AbortSignal, onBytes?: () => void): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${String(response.status)}`);
    const parts: Uint8Array[] = [];
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      onBytes?.();
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (thrown) {
    throw new Error(`${url}: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

/** fetch() says only "fetch failed"; the reason is its cause. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause instanceof Error
    ? messageOf(thrown.cause)
    : messageOf(thrown);
}
