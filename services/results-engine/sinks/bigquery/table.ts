import { UserError } from "../../../shared/errors.js";
import type { BigQueryClient, Reply } from "./client.js";
import type { BigQueryClock } from "./clock.js";
import { HICCUP, backoffMs } from "./clock.js";
import type { Failure } from "./errors.js";
import { BIGQUERY_COLUMNS, bigQueryViewSql } from "./schema.js";
import type { BigQueryMode, BigQueryTarget } from "./uri.js";
import { KEY_COLUMN } from "../row-schema.js";

/** A call at start is tried this often before the person who started the engine is told. */
const START_TRIES = 4;
const START_DEADLINE_MS = 15_000;

export type Json = Readonly<Record<string, unknown>>;

/** The table of a target: made when absent, held against the rows we write. */
export class BigQueryTable {
  readonly #client: BigQueryClient;
  readonly #target: BigQueryTarget;
  readonly #clock: BigQueryClock;
  readonly #datasetPath: string;

  constructor(client: BigQueryClient, target: BigQueryTarget, clock: BigQueryClock) {
    this.#client = client;
    this.#target = target;
    this.#clock = clock;
    this.#datasetPath = `datasets/${target.datasetId}`;
  }

  /** `PROJECT.DATASET.TABLE`, as SQL and people write it. */
  get name(): string {
    return `${this.#target.projectId}.${this.#target.datasetId}.${this.#target.tableId}`;
  }

  get insertPath(): string {
    return `${this.#tablePath(this.#target.tableId)}/insertAll`;
  }

  /**
   * Makes dataset, table and view where they are absent; what is there stays as it is.
   *
   * @returns whether the table is partitioned on DTimeStamp, which bounds the instants it takes; where it
   *   is; and when it was made, as BigQuery tells it, which a table of the same name has not
   * @throws UserError when BigQuery cannot be reached or refuses, or the table does not fit our rows
   */
  async prepare(): Promise<{ windowed: boolean; location: string | undefined; incarnation: string }> {
    const { datasetId, tableId, projectId } = this.#target;
    let table = await this.#get(this.#tablePath(tableId));
    if (table === undefined) {
      if ((await this.#get(this.#datasetPath)) === undefined) {
        await this.#create("datasets", {
          datasetReference: { projectId, datasetId },
          ...(this.#target.location === undefined ? {} : { location: this.#target.location }),
        });
      }
      await this.#create(`${this.#datasetPath}/tables`, this.definition());
      // Another engine may have been faster, with another definition.
      table = (await this.#get(this.#tablePath(tableId))) ?? this.definition();
    }
    const difference = tableDifference(table, this.#target.mode);
    if (difference !== undefined) {
      throw new UserError(`SINK: table ${this.name} does not fit the rows of this version: ${difference}`);
    }
    await this.#prepareView();
    const partitioning = table.timePartitioning as { field?: unknown } | undefined;
    const { location, creationTime } = table;
    return {
      windowed: partitioning?.field === "DTimeStamp",
      location: typeof location === "string" && location !== "" ? location : undefined,
      incarnation: typeof creationTime === "string" ? creationTime : "",
    };
  }

  /** Reads the table once. @returns why our rows do not fit it; undefined if they do */
  async difference(): Promise<string | undefined> {
    const path = this.#tablePath(this.#target.tableId);
    const reply = await this.#client.call({ method: "GET", path, deadlineMs: START_DEADLINE_MS });
    if (!reply.ok) return `table ${this.name} cannot be read: ${reply.failure.message}`;
    const difference = tableDifference(reply.body, this.#target.mode);
    return difference === undefined ? undefined : `table ${this.name} has changed: ${difference}`;
  }

  /** What is there of dataset, table and view; undefined for each that is not. @throws UserError as {@link prepare} */
  async read(): Promise<{ dataset: Json | undefined; table: Json | undefined; view: Json | undefined }> {
    const dataset = await this.#get(this.#datasetPath);
    if (dataset === undefined) return { dataset, table: undefined, view: undefined };
    const { tableId } = this.#target;
    const table = await this.#get(this.#tablePath(tableId));
    return { dataset, table, view: await this.#get(this.#tablePath(`${tableId}_view`)) };
  }

  /** Gives the table a longer list of columns; BigQuery refuses any other change. @throws UserError */
  async changeFields(fields: readonly unknown[]): Promise<void> {
    const path = this.#tablePath(this.#target.tableId);
    const body = Buffer.from(JSON.stringify({ schema: { fields } }));
    const reply = await this.#tryAtStart(() =>
      this.#client.call({ method: "PATCH", path, body, deadlineMs: START_DEADLINE_MS }),
    );
    if (!reply.ok) throw this.#startError("change", path, reply.failure);
  }

  async #prepareView(): Promise<void> {
    if ((await this.#get(this.#tablePath(`${this.#target.tableId}_view`))) !== undefined) return;
    await this.#create(`${this.#datasetPath}/tables`, this.viewDefinition());
  }

  /** The view as `tables.insert` takes it. */
  viewDefinition(): Json {
    const { projectId, datasetId, tableId } = this.#target;
    return {
      tableReference: { projectId, datasetId, tableId: `${tableId}_view` },
      description: `${tableId} with one row per ID: the newest ProcessTime`,
      view: { query: bigQueryViewSql(this.name), useLegacySql: false },
    };
  }

  /** The table as `tables.insert` takes it. */
  definition(): Json {
    const { projectId, datasetId, tableId, partition, cluster } = this.#target;
    return {
      tableReference: { projectId, datasetId, tableId },
      description: `Results of data-crunch; ${tableId}_view has each ID once`,
      schema: { fields: BIGQUERY_COLUMNS },
      ...(partition === "none"
        ? {}
        : { timePartitioning: { type: partition.toUpperCase(), field: "DTimeStamp" } }),
      ...(cluster.length === 0 ? {} : { clustering: { fields: cluster } }),
      // Not enforced by BigQuery; upserts need it.
      tableConstraints: { primaryKey: { columns: [KEY_COLUMN] } },
    };
  }

  #tablePath(tableId: string): string {
    return `${this.#datasetPath}/tables/${encodeURIComponent(tableId)}`;
  }

  /** @returns undefined if it does not exist */
  async #get(path: string): Promise<Json | undefined> {
    const reply = await this.#tryAtStart(() =>
      this.#client.call({ method: "GET", path, deadlineMs: START_DEADLINE_MS }),
    );
    if (reply.ok) return reply.body;
    if (reply.failure.status === 404) return undefined;
    throw this.#startError("read", path, reply.failure);
  }

  /** Somebody who made it first (409) is as good. */
  async #create(path: string, resource: Json): Promise<void> {
    const body = Buffer.from(JSON.stringify(resource));
    const reply = await this.#tryAtStart(() =>
      this.#client.call({ method: "POST", path, body, deadlineMs: START_DEADLINE_MS }),
    );
    if (!reply.ok && reply.failure.status !== 409) throw this.#startError("create", path, reply.failure);
  }

  async #tryAtStart(call: () => Promise<Reply>): Promise<Reply> {
    const never = new AbortController().signal;
    for (let tries = 1; ; tries++) {
      const reply = await call();
      const isPassing = !reply.ok && (reply.failure.kind === "retry" || reply.failure.kind === "quota");
      if (!isPassing || tries === START_TRIES) return reply;
      await this.#clock.backoff(backoffMs(HICCUP, tries, this.#clock.random), never);
    }
  }

  #startError(verb: string, path: string, failure: Failure): UserError {
    const where = this.#target.endpoint === undefined ? "" : ` at ${this.#target.endpoint}`;
    return new UserError(
      `SINK: BigQuery${where} does not let us ${verb} ${path} of project ${this.#target.projectId} for ${this.name}: ${failure.message}`,
    );
  }
}

/** Names of one type that BigQuery uses side by side. */
const SAME_TYPE: Readonly<Record<string, string>> = { INT64: "INTEGER", BOOL: "BOOLEAN", FLOAT64: "FLOAT" };

/** A column as `tables.get` tells it. */
export interface Field {
  readonly name?: string;
  readonly type?: string;
  readonly mode?: string;
}

/**
 * How a table differs from our rows; undefined if every row of ours can go in. A column of the
 * user's own is welcome unless it must be filled.
 */
export function tableDifference(table: Json, mode: BigQueryMode): string | undefined {
  if (typeof table.type === "string" && table.type !== "TABLE") return `it is a ${table.type}`;
  const fields = (table.schema as { fields?: readonly Field[] } | undefined)?.fields ?? [];
  const found = new Map(fields.map((field) => [field.name?.toLowerCase(), field]));
  const problems: string[] = [];
  for (const column of BIGQUERY_COLUMNS) {
    const field = found.get(column.name.toLowerCase());
    if (field === undefined) problems.push(`column ${column.name} ${column.type} is missing`);
    else if (typeOf(field) !== typeOf(column) || field.mode === "REPEATED") {
      const mode = field.mode === "REPEATED" ? "REPEATED " : "";
      problems.push(`column ${column.name} is ${mode}${typeOf(field)} instead of ${typeOf(column)}`);
    }
  }
  const ours = new Set(BIGQUERY_COLUMNS.map(({ name }) => name.toLowerCase()));
  for (const field of fields) {
    if (field.mode === "REQUIRED" && !ours.has(field.name?.toLowerCase() ?? "")) {
      problems.push(`column ${String(field.name)} is REQUIRED and no column of ours`);
    }
  }
  if (mode === "upsert" && !isKeyedById(table)) {
    problems.push(
      `its primary key is not ${KEY_COLUMN}, which mode=upsert needs (ALTER TABLE ... ADD PRIMARY KEY (${KEY_COLUMN}) NOT ENFORCED)`,
    );
  }
  return problems.length === 0 ? undefined : problems.join(", ");
}

/** Whether the table declares the primary key that upserts go by. */
export function isKeyedById(table: Json): boolean {
  const { primaryKey } = (table.tableConstraints ?? {}) as { primaryKey?: { columns?: unknown } };
  const columns = Array.isArray(primaryKey?.columns) ? (primaryKey.columns as unknown[]) : [];
  return columns.length === 1 && String(columns[0]).toLowerCase() === KEY_COLUMN.toLowerCase();
}

/** The one name of a type that BigQuery has two of. */
export function typeOf(field: Field): string {
  const type = (field.type ?? "").toUpperCase();
  return SAME_TYPE[type] ?? type;
}
