import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Env } from "../shared/config.js";
import { runCommand } from "./run-command.js";

const DOWNLOAD_TIMEOUT_MS = 60_000;
const UPDATE_TIMEOUT_MS = 120_000;
const UNPACK_TIMEOUT_MS = 30_000;

/**
 * Takes nats-server out of the Debian or Ubuntu package without installing it: no root, nothing
 * of the system changed, no service started. Package lists that are absent or too old are fetched
 * into `folder` for this one time.
 *
 * @param folder an empty folder; the result lies in it
 * @returns path of the executable
 * @throws Error with apt's own words
 */
export async function unpackDistributionPackage(folder: string, env: Env): Promise<string> {
  const run = async (command: string, args: readonly string[], timeoutMs: number): Promise<void> => {
    const plainEnv = { ...env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
    const outcome = await runCommand(command, args, { timeoutMs, cwd: folder, env: plainEnv });
    if (outcome.status === 0) return;
    throw new Error(`${command} ${args.join(" ")}: ${lastLineOf(outcome.stderr)}`);
  };
  const download = ["-qq", "download", "nats-server"];
  try {
    await run("apt-get", download, DOWNLOAD_TIMEOUT_MS);
  } catch {
    const privately = ["-c", await writePrivateConfig(folder)];
    await run("apt-get", [...privately, "-qq", "update"], UPDATE_TIMEOUT_MS);
    await run("apt-get", [...privately, ...download], DOWNLOAD_TIMEOUT_MS);
  }
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get download nats-server: left no package behind");
  const unpacked = join(folder, "unpacked");
  await run("dpkg-deb", ["-x", archive, unpacked], UNPACK_TIMEOUT_MS);
  return join(unpacked, "usr", "sbin", "nats-server");
}

/**
 * apt's settings with lists and cache of our own. Hooks are cleared because some images empty the
 * system's package cache after every update.
 */
async function writePrivateConfig(folder: string): Promise<string> {
  const lists = join(folder, "lists");
  const cache = join(folder, "cache");
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(cache, "archives", "partial"), { recursive: true });
  const path = join(folder, "apt.conf");
  const lines = [
    `Dir::State "${folder}";`,
    `Dir::State::lists "${lists}";`,
    `Dir::Cache "${cache}";`,
    "#clear APT::Update::Pre-Invoke;",
    "#clear APT::Update::Post-Invoke;",
    "#clear APT::Update::Post-Invoke-Success;",
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    // The sandbox user may not enter a private folder; the packages are signed all the same.
    'APT::Sandbox::User "";',
  ];
  await writeFile(path, lines.join("\n") + "\n");
  return path;
}

function lastLineOf(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => line.startsWith("E:")) ?? lines.at(-1) ?? "failed without a word";
}
