import { DuckDBInstance } from "@duckdb/node-api";

/** Prints the rows of a query over a DuckDB file that nobody is writing. */
export async function printQuery(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  const rows = [reader.columnNames(), ...reader.getRowsJson().map((row) => row.map(String))];
  const widths = reader
    .columnNames()
    .map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  for (const row of rows) {
    process.stdout.write(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`);
  }
  connection.closeSync();
  instance.closeSync();
}
