import { statSync } from "node:fs";
import { DuckDb, sqlText } from "../../../shared/duckdb.js";
import { UserError, messageOf } from "../../../shared/errors.js";
import { checkTables } from "./prepare.js";
import { DUCKDB_TYPES, DuckDbTables, duckDbColumn } from "./table.js";
import { ROW_COLUMNS } from "../row-schema.js";
import type { RowColumn } from "../row-schema.js";
import { addition, refusal } from "../sink-schema.js";
import type { SchemaColumn, SchemaComparison, SchemaDifference, SinkSchema } from "../sink-schema.js";

/** Tables of the file, and what is known of the one with the rows. */
interface Found {
  readonly names: readonly string[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Why the sink would not take the table although its columns are ours; undefined if it would. */
  readonly otherProblem: string | undefined;
}

const NOTHING: Found = { names: [], columns: [], otherProblem: undefined };

/** The tables of `duckdb:PATH?table=results`. */
export class DuckDbSchema implements SinkSchema {
  readonly layout = {};
  readonly #setting: string;
  readonly #path: string;
  readonly #tables: DuckDbTables;

  /** @param setting the setting with its value, for messages */
  constructor(setting: string, path: string, table: string) {
    this.#setting = setting;
    this.#path = path;
    this.#tables = new DuckDbTables(table);
  }

  get description(): string {
    return `${this.#tables.name} in ${this.#path}`;
  }

  get ddl(): readonly string[] {
    return this.#tables.create;
  }

  get columns(): readonly SchemaColumn[] {
    return ROW_COLUMNS.map(({ name, type, nullable }) => ({
      name,
      type: DUCKDB_TYPES[type],
      mode: nullable ? "NULLABLE" : "REQUIRED",
    }));
  }

  async compare(): Promise<SchemaComparison> {
    const found = await this.#read();
    const isThere = found.names.includes(this.#tables.name);
    const ofRows = isThere ? columnDifferences(found) : [];
    if (ofRows.length === 0 && found.otherProblem !== undefined) {
      const why = "change it with SQL, or name another table in SINK (table=NAME)";
      ofRows.push(refusal(found.otherProblem, why));
    }
    const missing = this.#tables.names
      .filter((name) => !found.names.includes(name))
      // A view in the place of the table is told above.
      .filter((name) => name !== this.#tables.name || ofRows.length === 0)
      .map((name) => addition(`table ${name} is missing`, `made table ${name}`));
    return { differences: [...ofRows, ...missing], notes: [] };
  }

  async apply(): Promise<void> {
    const { names, columns } = await this.#read();
    const missing = names.includes(this.#tables.name) ? ROW_COLUMNS.slice(columns.length) : [];
    const db = await DuckDb.openFile(this.#path, this.#setting);
    try {
      for (const column of missing) {
        const text = duckDbColumn({ ...column, nullable: true });
        await db.run(`ALTER TABLE ${this.#tables.table} ADD COLUMN ${text}`);
      }
      for (const statement of this.#tables.create) await db.run(statement);
    } catch (thrown) {
      const reason = messageOf(thrown).split("\n")[0] ?? "";
      throw new UserError(`${this.#setting}: its tables cannot be changed (${reason})`);
    } finally {
      db.close();
    }
  }

  async #read(): Promise<Found> {
    // Opening it would make it.
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return NOTHING;
    const db = await DuckDb.openFileToRead(this.#path, this.#setting);
    try {
      const here = `database_name = current_database() AND schema_name = 'main'`;
      const tables = await db.rows(`SELECT table_name AS name FROM duckdb_tables() WHERE ${here}`);
      const columns = await db.rows(
        `SELECT column_name AS name, data_type AS type FROM duckdb_columns() ` +
          `WHERE ${here} AND table_name = ${sqlText(this.#tables.name)} ORDER BY column_index`,
      );
      return {
        names: tables.map(({ name }) => String(name)),
        columns: columns.map(({ name, type }) => ({ name: String(name), type: String(type) })),
        otherProblem: await this.#otherProblem(db),
      };
    } finally {
      db.close();
    }
  }

  /** What the sink itself would say of views, keys and the like. */
  async #otherProblem(db: DuckDb): Promise<string | undefined> {
    try {
      await checkTables(db, this.#tables.name, this.#setting);
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      return thrown.message.replace(`${this.#setting}: `, "");
    }
  }
}

/** Rows are appended by the place of their columns, so that these must be ours, in our order. */
function columnDifferences({ columns }: Found): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  for (const [place, column] of ROW_COLUMNS.entries()) {
    const there = columns[place];
    const what = `column ${column.name} ${DUCKDB_TYPES[column.type]}`;
    if (there === undefined) {
      differences.push(addition(`${what} is missing`, `added ${what}, NULL in the rows before`));
    } else if (there.name !== column.name || there.type !== DUCKDB_TYPES[column.type]) {
      differences.push(misplaced(place, there, column));
    }
  }
  for (const { name, type } of columns.slice(ROW_COLUMNS.length)) {
    const why = "rows are appended by place; drop it, or keep it in a table or view of your own";
    differences.push(refusal(`column ${name} ${type} is no column of ours`, why));
  }
  return differences;
}

function misplaced(
  place: number,
  there: { readonly name: string; readonly type: string },
  { name, type }: RowColumn,
): SchemaDifference {
  return refusal(
    `column ${place + 1} is ${there.name} ${there.type}, where ${name} ${DUCKDB_TYPES[type]} is needed`,
    "rows are appended by place; make the table anew from a SELECT, or name another in SINK (table=NAME)",
  );
}
