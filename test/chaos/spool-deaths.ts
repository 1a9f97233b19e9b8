/**
 * Loaded into a results-engine before anything else: ends it by SIGKILL at the step of its spool that the
 * file named by CHAOS_DEATH_FILE tells. Each file of the spool is written whole and then renamed, so a rename is a
 * step: the rows of a batch, its note, the pace of jobs, the note with what became of the job.
 */
import { promises, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import type { SpoolDeath } from "./load-deaths.js";

const path = process.env.CHAOS_DEATH_FILE ?? "";
const rename = promises.rename.bind(promises);
/** Notes that said so once that every row of theirs is loaded. */
const loaded = new Set<string>();

promises.rename = async (from, to) => {
  const [before, after] = deathsAround(String(from), basename(String(to)));
  dieAt(before);
  await rename(from, to);
  dieAt(after);
};
// What imports `rename` by its name gets this one too.
syncBuiltinESMExports();

/** The deaths right before a file gets its name and right after. */
function deathsAround(from: string, file: string): readonly (SpoolDeath | undefined)[] {
  if (file.endsWith(".ndjson")) return ["dies-spooling", "dies-spooled"];
  if (file === "pace.jsonl") return [undefined, "dies-before-job"];
  if (!/^crunch_.*\.json$/.test(file) || loaded.has(file)) return [];
  const { pieces } = JSON.parse(readFileSync(from, "utf8")) as { pieces: readonly { state: string }[] };
  if (pieces.some(({ state }) => state !== "loaded")) return [undefined, "dies-batch-written"];
  loaded.add(file);
  return ["dies-job-done", "dies-unacked"];
}

function dieAt(death: SpoolDeath | undefined): void {
  if (death === undefined || readFileSync(path, "utf8") !== death) return;
  writeFileSync(path, "");
  process.kill(process.pid, "SIGKILL");
}
