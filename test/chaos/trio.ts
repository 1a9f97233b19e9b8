/** The engines of a run: real processes with settings that make faults show. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { EngineLink } from "./engine-link.js";
import { Engine } from "./engine.js";
import type { Command } from "./engine.js";
import type { Servers } from "./servers.js";
import type { Table } from "./tables.js";

export interface TrioOptions {
  readonly folder: string;
  readonly servers: Servers;
  readonly table: Table;
  /** The setting SOURCE. */
  readonly source: string;
  /** Records per second that the data-engine is to publish. */
  readonly sourceRate: number;
}

/** Well below the longest time that an engine stands still, so that others take its messages over. */
export const RESEND_AFTER_MS = 5_000;
/** Small, so that a stage that stands still fills its stream. */
const STREAM_MAX_BYTES = 4_194_304;
const FRAME_MAX_RECORDS = 100;
const PUBLISH_WINDOW = 4;

const chaosFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** NODE_OPTIONS that load files of this folder first. */
export function importing(...files: readonly string[]): string {
  return files.map((name) => `--import ${pathToFileURL(chaosFile(name)).href}`).join(" ");
}

/** 1 data-engine, 3 crunch-engines, and as many results-engines as the table takes. */
export async function makeTrio(options: TrioOptions): Promise<Engine[]> {
  const { folder, servers, table, source, sourceRate } = options;
  const markers = join(folder, "markers");
  mkdirSync(markers);
  const common = {
    CHAOS_MARKERS: markers,
    NODE_OPTIONS: importing("clock-steps.js"),
    RUN_ID: "chaos",
    STREAM_REPLICAS: String(servers.replicas),
    STREAM_MAX_BYTES: String(STREAM_MAX_BYTES),
    RESEND_AFTER_MS: String(RESEND_AFTER_MS),
    DRAIN_MS: "10000",
  };
  const settings: Record<Command, Readonly<Record<string, string>>> = {
    data: {
      SOURCE: source,
      FRAME_MAX_RECORDS: String(FRAME_MAX_RECORDS),
      PUBLISH_WINDOW: String(PUBLISH_WINDOW),
    },
    engine: {
      CRUNCHER: chaosFile("chaos-cruncher.js"),
      THREADS: "1",
      CRUNCH_TIMEOUT_MS: "3000",
      THREAD_MAX_MEMORY_MB: "64",
    },
    results: { ...table.env, NODE_OPTIONS: importing("clock-steps.js", "spool-deaths.js") },
  };
  return Promise.all(
    namesOf(table.writers).map(async ([name, command]) => {
      // A file has no rate of its own; a long way to the server paces it.
      const latencyMs =
        command === "data" ? (PUBLISH_WINDOW * FRAME_MAX_RECORDS * 1_000) / sourceRate / 2 : 0;
      const link = await EngineLink.open(servers.ports, latencyMs);
      const files = {
        CHAOS_CLOCK_FILE: clockFileOf(folder, name),
        CHAOS_DEATH_FILE: deathFileOf(folder, name),
      };
      writeFileSync(files.CHAOS_CLOCK_FILE, "0");
      writeFileSync(files.CHAOS_DEATH_FILE, "");
      const env = { ...common, ...settings[command], ...files };
      return new Engine({ name, command, env, folder, link });
    }),
  );
}

/** `data`, `engine-1`, ... and the command of each. */
export function namesOf(writers: number): [string, Command][] {
  const numbered = (name: Command, count: number): [string, Command][] =>
    Array.from({ length: count }, (_, index) => [`${name}-${String(index + 1)}`, name]);
  return [["data", "data"], ...numbered("engine", 3), ...numbered("results", writers)];
}

/** Where an engine looks how far its clock is off. */
export function clockFileOf(folder: string, engine: string): string {
  return join(folder, `${engine}.clock`);
}

/** Where a results-engine looks at which step it dies. */
export function deathFileOf(folder: string, engine: string): string {
  return join(folder, `${engine}.death`);
}
