/** Datasets, their tables and views, and the database that has their rows. */
import type { Answer } from "./answers.js";
import { error } from "./answers.js";
import { FakeDatabase } from "./database.js";
import type { PlacedTable } from "./database.js";
import type { Json } from "./faults.js";
import { MemoryRows, PassingRows } from "./rows.js";
import { FakeTable } from "./warehouse.js";

/** Rows that may wait for the database. */
const MAX_WAITING_ROWS = 50_000;

export class FakeDatasets {
  readonly #datasets = new Map<
    string,
    { readonly resource: Json; readonly tables: Map<string, FakeTable> }
  >();
  readonly #keepsIn: string | true | undefined;
  #database: Promise<FakeDatabase> | undefined;

  /** @param keepsIn the file or, if true, the memory of a database that alone has the rows */
  constructor(keepsIn: string | true | undefined) {
    this.#keepsIn = keepsIn;
  }

  /** Opened when first asked for. */
  get database(): Promise<FakeDatabase> {
    this.#database ??= FakeDatabase.open(typeof this.#keepsIn === "string" ? this.#keepsIn : undefined);
    return this.#database;
  }

  get tables(): PlacedTable[] {
    return [...this.#datasets].flatMap(([datasetId, { tables }]) =>
      [...tables].map(([tableId, table]) => ({ datasetId, tableId, table })),
    );
  }

  dataset(datasetId: string): Json | undefined {
    return this.#datasets.get(datasetId)?.resource;
  }

  table(datasetId: string, tableId: string): FakeTable | undefined {
    return this.#datasets.get(datasetId)?.tables.get(tableId);
  }

  /** Makes a table, or gives it another definition as tables.patch does. */
  define(datasetId: string, tableId: string, resource: Json): void {
    const dataset = this.#datasets.get(datasetId) ?? { resource: {}, tables: new Map<string, FakeTable>() };
    this.#datasets.set(datasetId, dataset);
    const table = dataset.tables.get(tableId);
    if (table === undefined) dataset.tables.set(tableId, this.#newTable(resource));
    else table.resource = { ...table.resource, ...resource };
  }

  drop(datasetId: string, tableId: string): void {
    this.#datasets.get(datasetId)?.tables.delete(tableId);
  }

  create(resource: Json): Answer {
    const { datasetId } = resource.datasetReference as { datasetId: string };
    if (this.#datasets.has(datasetId)) return error(409, "duplicate", `Already Exists: Dataset ${datasetId}`);
    this.#datasets.set(datasetId, { resource, tables: new Map() });
    return { status: 200, body: resource };
  }

  createTable(datasetId: string, resource: Json, nowMs: number): Answer {
    const { tableId } = resource.tableReference as { tableId: string };
    if (this.table(datasetId, tableId) !== undefined) {
      return error(409, "duplicate", `Already Exists: Table ${datasetId}.${tableId}`);
    }
    const table = this.#newTable({ ...resource, creationTime: String(nowMs) });
    this.#datasets.get(datasetId)?.tables.set(tableId, table);
    return { status: 200, body: table.resource };
  }

  /** Where the database alone keeps rows: resolves when few wait for it. */
  async settle(): Promise<void> {
    if (this.#keepsIn === undefined) return;
    const waiting = this.tables.reduce((sum, { table }) => sum + table.store.count, 0);
    if (waiting >= MAX_WAITING_ROWS) await (await this.database).move(this.tables);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const database = await this.#database;
    this.#database = undefined;
    if (this.#keepsIn !== undefined) await database?.move(this.tables);
    await database?.close();
  }

  #newTable(resource: Json): FakeTable {
    return new FakeTable(resource, this.#keepsIn === undefined ? new MemoryRows() : new PassingRows());
  }
}
