/** `crunch up` into a table of its own, as a person runs it. */
import type { Summary } from "../../services/local/summary.js";
import { runCrunch } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";

const DEADLINE_MS = 300_000;

export interface UpOptions {
  readonly source: string;
  /** Identity unless given. */
  readonly cruncher?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns what it says at the end. @throws Error if it failed, or did not store every record */
export async function up({ source, cruncher = "identity", env = {} }: UpOptions): Promise<Summary> {
  const folder = tempFolder();
  try {
    const plugins = ["--source", source, "--cruncher", cruncher, "--sink", "duckdb:bench.duckdb"];
    const run = await runCrunch(["up", ...plugins, "--json"], {
      cwd: folder.path,
      env,
      deadlineMs: DEADLINE_MS,
    });
    if (run.code !== 0) throw new Error(`exit ${String(run.code)}: ${run.stderr}`);
    const summary = JSON.parse(run.lastLine) as Summary;
    const { stored, published } = summary;
    if (stored !== published) throw new Error(`stored ${String(stored)} of ${String(published)}`);
    return summary;
  } finally {
    folder.remove();
  }
}
