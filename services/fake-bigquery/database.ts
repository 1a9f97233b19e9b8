/** The rows of the fake in a DuckDB, to be asked by SQL. */
import { DuckDb, sqlName, sqlText } from "../shared/duckdb.js";
import type { ColumnAppender } from "../shared/duckdb-columns.js";
import type { Json } from "./faults.js";
import { duckDbSql } from "./google-sql.js";
import type { StoredRow } from "./rows.js";
import type { FakeField } from "./values.js";
import type { FakeTable } from "./warehouse.js";

/** A table or view by its place. */
export interface PlacedTable {
  readonly datasetId: string;
  readonly tableId: string;
  readonly table: FakeTable;
}

/** A result as jobs.query tells it. */
export interface QueryResult {
  readonly fields: readonly FakeField[];
  /** Values as texts. */
  readonly rows: readonly (readonly (string | null)[])[];
}

const TYPES: Readonly<Record<string, string>> = {
  INTEGER: "BIGINT",
  INT64: "BIGINT",
  TIMESTAMP: "TIMESTAMP",
  BOOLEAN: "BOOLEAN",
  BOOL: "BOOLEAN",
  FLOAT: "DOUBLE",
  FLOAT64: "DOUBLE",
};
const BIGQUERY_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/, "INTEGER"],
  [/^TIMESTAMP/, "TIMESTAMP"],
  [/^BOOLEAN$/, "BOOLEAN"],
  [/^(?:DOUBLE|FLOAT)$/, "FLOAT"],
  [/^DECIMAL/, "NUMERIC"],
  [/^DATE$/, "DATE"],
];
/** Sections of a sequence number, and their digits, so that texts compare as the numbers do. */
const SECTIONS = 4;
const SECTION_DIGITS = 16;
const SEQUENCE = "_CHANGE_SEQUENCE_NUMBER";
const ORDER = "_ARRIVAL";
const STAGED = "staged_rows";

export class FakeDatabase {
  readonly #duckdb: DuckDb;
  readonly #staged: ColumnAppender;
  /** The columns of the table that holds the rows of each, by its name. */
  readonly #made = new Map<FakeTable, { readonly name: string; readonly columns: Set<string> }>();
  #arrived = 0n;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(duckdb: DuckDb, staged: ColumnAppender) {
    this.#duckdb = duckdb;
    this.#staged = staged;
  }

  /** @param path of a file to make; in memory unless given. @throws UserError when it cannot be made */
  static async open(path?: string): Promise<FakeDatabase> {
    const duckdb = await (path === undefined
      ? DuckDb.openInMemory()
      : DuckDb.openFile(path, `--database="${path}"`));
    await duckdb.run(`CREATE TEMP TABLE ${STAGED} (row VARCHAR, sequence VARCHAR, arrival BIGINT)`);
    return new FakeDatabase(duckdb, await duckdb.appender(STAGED, ["text", "text", "int64"], "temp"));
  }

  /** Takes over what the tables have beside it. */
  move(tables: readonly PlacedTable[]): Promise<void> {
    return this.#inTurn(() => this.#move(tables));
  }

  /**
   * Runs a query in GoogleSQL that DuckDB understands too.
   *
   * @throws Error with DuckDB's words
   */
  query(sql: string, tables: readonly PlacedTable[]): Promise<QueryResult> {
    return this.#inTurn(async () => {
      await this.#move(tables);
      await this.#makeViews(sql, tables);
      const query = duckDbSql(sql);
      const columns = await this.#duckdb.describe(query);
      const values = columns.map(({ name, type }, index) => {
        const column = sqlName(name);
        const value = type.startsWith("TIMESTAMP") ? `epoch_us(${column})` : column;
        return `CAST(${value} AS VARCHAR) AS v${String(index)}`;
      });
      const rows = await this.#duckdb.rows(`SELECT ${values.join(", ")} FROM (${query})`);
      return {
        fields: columns.map(({ name, type }) => ({ name, type: bigQueryType(type), mode: "NULLABLE" })),
        rows: rows.map((row) => columns.map((_, index) => row[`v${String(index)}`] as string | null)),
      };
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#last;
    this.#staged.discard();
    this.#duckdb.close();
  }

  /** One after the other: there is one connection. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #move(tables: readonly PlacedTable[]): Promise<void> {
    for (const placed of tables) {
      const { table } = placed;
      if (table.resource.type !== "TABLE") continue;
      const name = await this.#make(placed);
      const { isAnew, rows } = table.store.take();
      if (isAnew) await this.#duckdb.run(`TRUNCATE ${name}`);
      if (rows.length > 0) await this.#append(name, table.fields, rows);
    }
  }

  async #append(name: string, fields: readonly FakeField[], rows: readonly StoredRow[]): Promise<void> {
    const arrivals = BigInt64Array.from(rows, () => this.#arrived++);
    const columns = [
      textsOf(rows.map(({ json }) => JSON.stringify(rowByColumns(json, fields)))),
      textsOf(rows.map(({ sequence }) => (sequence === undefined ? "" : sequenceText(sequence)))),
      arrivals,
    ];
    this.#staged.append(columns, rows.length);
    this.#staged.flush();
    const shape = JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, "VARCHAR"])));
    const values = fields.map(({ name: column, type }) => {
      return `CAST(cells.${sqlName(column)} AS ${TYPES[type] ?? "VARCHAR"})`;
    });
    await this.#duckdb.run(
      `INSERT INTO ${name} (${[...fields.map((field) => sqlName(field.name)), SEQUENCE, ORDER].join(", ")})
        SELECT ${[...values, "nullif(sequence, '')", "arrival"].join(", ")}
        FROM (SELECT json_transform(row, ${sqlText(shape)}) AS cells, sequence, arrival FROM ${STAGED})`,
    );
    await this.#duckdb.run(`TRUNCATE ${STAGED}`);
  }

  /** The table that holds the rows; what shows them, changes applied, has the name that queries use. */
  async #make({ datasetId, tableId, table }: PlacedTable): Promise<string> {
    const place = `${sqlName(datasetId)}.${sqlName(tableId)}`;
    const columnOf = ({ name, type }: FakeField): string => `${sqlName(name)} ${TYPES[type] ?? "VARCHAR"}`;
    const known = this.#made.get(table);
    const columns = known?.columns ?? new Set<string>();
    const fresh = table.fields.filter(({ name }) => !columns.has(name));
    if (known !== undefined && fresh.length === 0) return known.name;
    const name = known?.name ?? sqlName(`rows_${String(this.#made.size + 1)}`);
    if (known === undefined) {
      const all = [...table.fields.map(columnOf), `${SEQUENCE} VARCHAR`, `${ORDER} BIGINT`];
      await this.#duckdb.run(`CREATE SCHEMA IF NOT EXISTS ${sqlName(datasetId)}`);
      await this.#duckdb.run(`CREATE TABLE ${name} (${all.join(", ")})`);
    } else {
      for (const field of fresh) await this.#duckdb.run(`ALTER TABLE ${name} ADD COLUMN ${columnOf(field)}`);
    }
    for (const field of fresh) columns.add(field.name);
    this.#made.set(table, { name, columns });
    const shown = `SELECT * EXCLUDE (${SEQUENCE}, ${ORDER}) FROM ${name} WHERE ${SEQUENCE}`;
    const key = table.keyColumns.map(sqlName).join(", ");
    const changes =
      key === ""
        ? ""
        : ` UNION ALL ${shown} IS NOT NULL
          QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${SEQUENCE} DESC, ${ORDER} DESC) = 1`;
    await this.#duckdb.run(`CREATE OR REPLACE VIEW ${place} AS ${shown} IS NULL${changes}`);
    return name;
  }

  /** Those that the query may name. */
  async #makeViews(sql: string, tables: readonly PlacedTable[]): Promise<void> {
    for (const { datasetId, tableId, table } of tables) {
      const { query } = (table.resource.view ?? {}) as { query?: string };
      if (query === undefined || !sql.includes(tableId)) continue;
      await this.#duckdb.run(`CREATE SCHEMA IF NOT EXISTS ${sqlName(datasetId)}`);
      await this.#duckdb.run(
        `CREATE OR REPLACE VIEW ${sqlName(datasetId)}.${sqlName(tableId)} AS ${duckDbSql(query)}`,
      );
    }
  }
}

/** Names of columns are the table's, however the row writes them. */
function rowByColumns(json: Json, fields: readonly FakeField[]): Json {
  if (fields.every(({ name }) => name in json)) return json;
  const byName = new Map(Object.entries(json).map(([name, value]) => [name.toLowerCase(), value]));
  return Object.fromEntries(fields.map(({ name }) => [name, byName.get(name.toLowerCase()) ?? null]));
}

function sequenceText(sections: readonly bigint[]): string {
  const hex = (section: bigint): string => section.toString(16).padStart(SECTION_DIGITS, "0");
  return Array.from({ length: SECTIONS }, (_, index) => hex(sections[index] ?? 0n)).join("/");
}

function textsOf(texts: readonly string[]): { bytes: Buffer; starts: Uint32Array; ends: Uint32Array } {
  const starts = new Uint32Array(texts.length);
  const ends = new Uint32Array(texts.length);
  let at = 0;
  for (const [index, text] of texts.entries()) {
    starts[index] = at;
    at += Buffer.byteLength(text);
    ends[index] = at;
  }
  return { bytes: Buffer.from(texts.join("")), starts, ends };
}

function bigQueryType(type: string): string {
  return BIGQUERY_TYPES.find(([pattern]) => pattern.test(type))?.[1] ?? "STRING";
}
