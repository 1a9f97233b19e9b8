/** goccy/bigquery-emulator: another BigQuery to hold ours against. Built from source, once a machine. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir, totalmem } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { BigQuery } from "@google-cloud/bigquery";
import { PassThroughClient } from "google-auth-library";
import { freePort } from "./free-port.js";
import { tempFolder } from "./temp-folder.js";
import { until } from "./until.js";

export const EMULATOR_VERSION = "v0.8.1";
const MODULE = "github.com/goccy/bigquery-emulator";
/**
 * It takes 13 minutes of one core: nearly all of it compiles SQLite and GoogleSQL, translated to Go. Who has less
 * time says so in EMULATOR_BUILD_MINUTES.
 */
const BUILD_TIMEOUT_MS =
  Math.max(0, Math.min(25, Number(process.env.EMULATOR_BUILD_MINUTES ?? "25"))) * 60_000;
/** The compiler holds 5.3 GB. */
const BUILD_MEMORY_BYTES = 7 * 2 ** 30;
/** Where Go's own installer puts it. */
const GO_FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/go/bin"];

/** Path of the emulator, from the cache or built now; or why it cannot be had. */
export function emulatorBinary(): { readonly path: string } | { readonly problem: string } {
  const caches = process.env.XDG_CACHE_HOME ?? "";
  const cache = join(caches === "" ? join(homedir(), ".cache") : caches, "data-crunch");
  const path = join(cache, `bigquery-emulator-${EMULATOR_VERSION}-${process.arch}`);
  if (existsSync(path)) return { path };
  const go = GO_FOLDERS.map((folder) => join(folder, "go")).find(existsSync);
  const what = `bigquery-emulator ${EMULATOR_VERSION}`;
  // Debian's is too old to build it.
  if (go === undefined) return { problem: `${what} is built with Go 1.25 or newer from go.dev` };
  if (totalmem() < BUILD_MEMORY_BYTES) {
    const has = (totalmem() / 2 ** 30).toFixed(1);
    return { problem: `building ${what} takes 6 GB of memory, and this machine has ${has} GB in all` };
  }
  process.stdout.write(`building ${what} once, into ${cache}: about 13 minutes of one core\n`);
  return build(go, path);
}

function build(go: string, path: string): { readonly path: string } | { readonly problem: string } {
  const folder = tempFolder();
  const endsAtMs = Date.now() + BUILD_TIMEOUT_MS;
  const run = (...args: readonly string[]): string | undefined => {
    const { status, stderr, error } = spawnSync(go, args, {
      cwd: folder.path,
      env: { ...process.env, GOTOOLCHAIN: "auto" },
      encoding: "utf8",
      timeout: Math.max(1, endsAtMs - Date.now()),
    });
    if (status === 0) return undefined;
    if (error !== undefined && "code" in error && error.code === "ETIMEDOUT") return "it takes too long";
    return stderr;
  };
  try {
    // `go install` refuses it: its go.mod has replacements.
    const failed =
      run("mod", "init", "emulator") ??
      run("mod", "edit", `-require=${MODULE}@${EMULATOR_VERSION}`) ??
      run("build", "-mod=mod", "-o", "built", `${MODULE}/cmd/bigquery-emulator`);
    if (failed === "it takes too long") {
      const minutes = String(BUILD_TIMEOUT_MS / 60_000);
      return { problem: `it was not built within ${minutes} minutes; Go keeps what is done, so try again` };
    }
    if (failed !== undefined) throw new Error(`bigquery-emulator cannot be built: ${failed}`);
    mkdirSync(dirname(path), { recursive: true });
    // Another run may read the cache meanwhile.
    copyFileSync(join(folder.path, "built"), `${path}.part`);
    chmodSync(`${path}.part`, 0o755);
    renameSync(`${path}.part`, path);
    return { path };
  } finally {
    rmSync(`${path}.part`, { force: true });
    folder.remove();
  }
}

/** A running emulator with the project `p`, in memory. */
export class BigQueryEmulator {
  readonly url: string;
  /** Of the Storage Write API, without TLS. */
  readonly writeUrl: string;
  readonly client: BigQuery;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, writePort: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${String(port)}`;
    this.writeUrl = `http://127.0.0.1:${String(writePort)}`;
    this.client = new BigQuery({
      projectId: "p",
      apiEndpoint: this.url,
      authClient: new PassThroughClient(),
    });
  }

  static async start(path: string): Promise<BigQueryEmulator> {
    const [port, writePort] = [await freePort(), await freePort()];
    const args = ["--project=p", `--port=${String(port)}`, `--grpc-port=${String(writePort)}`];
    const child = spawn(path, [...args, "--log-level=fatal"], { stdio: "ignore" });
    const emulator = new BigQueryEmulator(child, port, writePort);
    const answers = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`the emulator ended with ${String(child.exitCode)}`);
      const address = `${emulator.url}/bigquery/v2/projects/p/datasets`;
      return (await fetch(address).catch(() => undefined))?.ok === true;
    };
    await until(answers, 30_000, "an answer of the emulator");
    return emulator;
  }

  /** Rows of a query, every value as the text that BigQuery sends. */
  async rows(query: string): Promise<Readonly<Record<string, string>>[]> {
    const [rows] = await this.client.query({ query, wrapIntegers: true });
    return (rows as Readonly<Record<string, unknown>>[]).map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)])),
    );
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** Integers and instants come in objects, so that none loses a digit. */
function textOf(value: unknown): string {
  const wrapped = typeof value === "object" && value !== null && "value" in value ? value.value : value;
  return String(wrapped);
}
