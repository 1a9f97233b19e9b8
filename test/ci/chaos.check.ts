/**
 * Chaos with the nats-server that `crunch up` takes: into DuckDB, then into BigQuery, each under a seed of its own;
 * and once with a rule of delivery broken, which must be found.
 */
import assert from "node:assert/strict";
import { runMutation } from "../chaos/mutations.js";
import { runSuite } from "../support/chaos-suite.js";

runSuite("into DuckDB", ["--minutes", "2", "--seed", "101"]);
const bigQuery = (mode: string, seed: string): readonly string[] => {
  return ["--minutes", "1.5", "--seed", seed, "--sink", "bigquery", "--mode", mode];
};
runSuite("into BigQuery", bigQuery("stream", "102"));
runSuite("into BigQuery by upserts", bigQuery("upsert", "103"));
runSuite("into BigQuery by appends", bigQuery("write", "104"));
runSuite("into BigQuery by load jobs", bigQuery("load", "105"));
process.stdout.write("with one rule broken, which must be found:\n");
const { found } = await runMutation("park-alone");
assert.ok(found > 0, "nothing was found although one bad record took its whole frame with it");
process.stdout.write("6 passed, 0 failed\n");
