/** kill -9 of a results-engine in each phase of a load job. */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";

/** Steps that the engine itself dies at, in their order; `spool-deaths` does it. */
export const SPOOL_DEATHS = [
  /** Rows are on disk, under no name yet. */
  "dies-spooling",
  /** Rows have their name and no note tells of them. */
  "dies-spooled",
  /** The boundary of the batch is on disk, no job was started. */
  "dies-batch-written",
  /** The job is counted and not started. */
  "dies-before-job",
  /** The job has ended and the note does not say so. */
  "dies-job-done",
  /** The note says so and nothing is acked. */
  "dies-unacked",
] as const;
/** Phases that BigQuery sees. */
export const JOB_DEATHS = [
  /** The job runs, its engine was told nothing. */
  "dies-reply-lost",
  /** The job runs, its engine waits for its end. */
  "dies-job-running",
] as const;
export const LOAD_DEATHS = [...SPOOL_DEATHS, ...JOB_DEATHS] as const;

export type SpoolDeath = (typeof SPOOL_DEATHS)[number];
export type LoadDeath = (typeof LOAD_DEATHS)[number];

export interface DeathParts {
  readonly fake: FakeBigQuery;
  /** What the engine was given as CHAOS_DEATH_FILE. */
  readonly deathFile: string;
  /** True once the engine has died. */
  readonly isDead: () => boolean;
  readonly kill: () => void;
}

const START = { on: { method: "POST", path: /^jobs$/ } };
const LOOK_EVERY_MS = 5;

/**
 * Waits for the phase and ends the engine in it.
 *
 * @returns whether it died of that within `deadlineMs`; after it, nothing is left that would kill later
 */
export async function dieAt(death: LoadDeath, parts: DeathParts, deadlineMs: number): Promise<boolean> {
  const { fake, deathFile, isDead, kill } = parts;
  const jobs = fake.jobs.length;
  const spoolDeath = SPOOL_DEATHS.find((one) => one === death);
  if (spoolDeath !== undefined) writeFileSync(deathFile, spoolDeath);
  // One look more than its engine lives to see.
  else
    fake.fail({
      ...START,
      ...(death === "dies-reply-lost" ? { commitThenHang: true } : { runsForLooks: 2 }),
    });
  const endMs = performance.now() + deadlineMs;
  while (!isDead() && performance.now() < endMs) {
    if (spoolDeath === undefined && fake.jobs.length > jobs) kill();
    await delay(LOOK_EVERY_MS);
  }
  const hasDied = isDead() && (spoolDeath === undefined || readFileSync(deathFile, "utf8") === "");
  writeFileSync(deathFile, "");
  return hasDied;
}
