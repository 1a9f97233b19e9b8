/** The home of DuckDB: databases inside this process, read as columns. */
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { QueryChunk } from "./duckdb-chunk.js";
import { ColumnAppender } from "./duckdb-columns.js";
import type { ColumnType } from "./duckdb-columns.js";
import { UserError, messageOf } from "./errors.js";

/** One database with one connection. Not for concurrent use: one query at a time. */
export class DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #closed = false;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** A database in memory that fetches nothing from the network. */
  static async openInMemory(): Promise<DuckDb> {
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return new DuckDb(instance, await instance.connect());
  }

  /**
   * A database file, made if absent. This process holds it until {@link close}; DuckDB lets no other
   * process open it meanwhile, not even to read.
   *
   * @param setting the setting with its value that named the file, for messages
   * @throws UserError when the file is held by another process, is no database, or cannot be made
   */
  static openFile(path: string, setting: string): Promise<DuckDb> {
    return DuckDb.#open(path, setting, "automatic");
  }

  /** A database file that is there, to be read only: nothing of it or beside it changes. */
  static openFileToRead(path: string, setting: string): Promise<DuckDb> {
    return DuckDb.#open(path, setting, "read_only");
  }

  static async #open(path: string, setting: string, access: "automatic" | "read_only"): Promise<DuckDb> {
    try {
      const options = { autoinstall_known_extensions: "false", access_mode: access };
      const instance = await DuckDBInstance.create(path, options);
      return new DuckDb(instance, await instance.connect());
    } catch (thrown) {
      throw new UserError(`${setting}: ${whyNotOpened(path, messageOf(thrown))}`);
    }
  }

  /** Runs a statement. @returns rows inserted, updated or deleted; 0 for others */
  async run(sql: string): Promise<number> {
    return (await this.#connection.run(sql)).rowsChanged;
  }

  /**
   * Appends columns to a table; see {@link ColumnAppender}.
   *
   * @param table its name as it is, not as SQL
   * @param catalog `temp` for a temporary table of this connection; default the database itself
   */
  async appender(table: string, types: readonly ColumnType[], catalog?: "temp"): Promise<ColumnAppender> {
    return new ColumnAppender(await this.#connection.createAppender(table, "main", catalog), types);
  }

  /** Runs a query with a small result. BIGINT comes as bigint, lists and structs as DuckDB values. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects();
  }

  /** Names and types of a query's columns, without running it. */
  async describe(sql: string): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows(`DESCRIBE ${sql}`);
    return rows.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
  }

  /**
   * Runs a query and yields its rows in order, holding two chunks and DuckDB's own small buffer;
   * the next chunk is computed while the caller works on the one before.
   *
   * A result that breaks in the middle looks to DuckDB's reader like one that ends there, so the
   * query is given a last row of its own: without it, the rows were not all.
   *
   * @param sql a query whose columns have names that differ
   * @throws Error with DuckDB's reason when the query breaks, at the start or in the middle
   */
  async *stream(sql: string): AsyncGenerator<QueryChunk, void, undefined> {
    const result = await this.#connection.stream(
      `(SELECT *, false AS crunch_last FROM (${sql})) UNION ALL BY NAME (SELECT true AS crunch_last)`,
    );
    const lastColumn = result.columnCount - 1;
    let next = result.fetchChunk();
    try {
      for (;;) {
        const chunk = await next;
        if (chunk === null || chunk.rowCount === 0) break;
        const isLast = chunk.getColumnVector(lastColumn).getItem(chunk.rowCount - 1) === true;
        // Also behind the last row: the query is over only when a fetch finds nothing.
        next = result.fetchChunk();
        const rowCount = isLast ? chunk.rowCount - 1 : chunk.rowCount;
        if (rowCount > 0) yield new QueryChunk(chunk, rowCount);
        if (isLast) return;
      }
    } finally {
      // A connection must not be closed under a running fetch; its outcome no longer matters.
      await next.catch(() => null);
    }
    // Only a run without streaming tells the reason.
    await this.rows(`SELECT count(COLUMNS(*)) FROM (${sql})`);
    throw new Error("the query broke off in the middle, for a reason that DuckDB does not tell");
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** `text` as an SQL string. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `name` as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function whyNotOpened(path: string, reason: string): string {
  if (/could not set lock/i.test(reason)) {
    const holder = /PID (\d+)/.exec(reason)?.[1];
    return `${path} is held by another process${holder === undefined ? "" : ` (PID ${holder})`}`;
  }
  if (/not a valid DuckDB database/i.test(reason)) return `${path} is no DuckDB database`;
  return `${path} cannot be opened (${reason.split("\n")[0] ?? reason})`;
}
