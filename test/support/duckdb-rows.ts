import { DuckDBInstance } from "@duckdb/node-api";

/** Runs one query over a DuckDB file that no process holds; bigint for BIGINT. */
export async function queryDuckDb(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Runs statements, separated by semicolons, on a DuckDB file that no process holds; makes it if absent. */
export async function runDuckDb(path: string, statements: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    await connection.run(statements);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
