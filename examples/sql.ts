/** `node dist/examples/sql.js FILE.duckdb "select ..."`: one query over a DuckDB file, as a table. */
import { printQuery } from "./print-query.js";

const [path, sql] = process.argv.slice(2);
if (path === undefined || sql === undefined) {
  process.stderr.write('usage: node dist/examples/sql.js FILE.duckdb "select ..."\n');
  process.exitCode = 2;
} else {
  await printQuery(path, sql);
}
