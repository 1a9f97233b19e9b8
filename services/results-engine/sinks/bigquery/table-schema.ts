import { BigQueryClient } from "./client.js";
import { systemClock } from "./clock.js";
import { bigQueryDdl } from "./ddl.js";
import { BIGQUERY_COLUMNS } from "./schema.js";
import { compareTable, compareView, missingColumns } from "./table-differences.js";
import { BigQueryTable } from "./table.js";
import type { Json } from "./table.js";
import { parseBigQueryUri } from "./uri.js";
import type { BigQueryTarget } from "./uri.js";
import type { PluginUri } from "../../../shared/plugin-uri.js";
import { addition } from "../sink-schema.js";
import type { SchemaComparison, SchemaDifference, SinkSchema } from "../sink-schema.js";

/**
 * Dataset, table and view of `bigquery:PROJECT/DATASET/TABLE`.
 *
 * @param endpoint of the environment; the parameter `endpoint` of the URI wins
 * @throws UserError for an address that is none
 */
export function bigQuerySchema(uri: PluginUri, endpoint: string | undefined): SinkSchema {
  const target = parseBigQueryUri(uri, endpoint);
  const table = new BigQueryTable(new BigQueryClient(target, systemClock, false), target, systemClock);
  return new BigQuerySchema(target, table);
}

class BigQuerySchema implements SinkSchema {
  readonly columns = BIGQUERY_COLUMNS;
  readonly #target: BigQueryTarget;
  readonly #table: BigQueryTable;

  constructor(target: BigQueryTarget, table: BigQueryTable) {
    this.#target = target;
    this.#table = table;
  }

  get description(): string {
    return `${this.#table.name} in BigQuery`;
  }

  get layout(): Readonly<Record<string, string>> {
    const { partition, cluster } = this.#target;
    return { partition, cluster: cluster.length === 0 ? "none" : cluster.join(",") };
  }

  get ddl(): readonly string[] {
    const descriptionOf = ({ description }: Json): string => description as string;
    return bigQueryDdl(this.#target, {
      table: descriptionOf(this.#table.definition()),
      view: descriptionOf(this.#table.viewDefinition()),
    });
  }

  async compare(): Promise<SchemaComparison> {
    const { projectId, datasetId, endpoint } = this.#target;
    const { dataset, table, view } = await this.#table.read();
    const differences: SchemaDifference[] = [];
    const notes = endpoint === undefined ? [] : [`BigQuery is ${endpoint}, asked without credentials`];
    if (dataset === undefined) {
      const name = `dataset ${projectId}.${datasetId}`;
      differences.push(addition(`${name} is missing`, `made ${name}`));
    }
    if (table === undefined) {
      const name = `table ${this.#table.name}`;
      differences.push(addition(`${name} is missing`, `made ${name}`));
    } else {
      const found = compareTable(table, this.#target, this.#table.name);
      differences.push(...found.differences);
      notes.push(...found.notes);
    }
    differences.push(...compareView(view, this.#table.viewDefinition()));
    return { differences, notes };
  }

  async apply(): Promise<void> {
    const { table } = await this.#table.read();
    const missing = table === undefined ? [] : missingColumns(table);
    if (missing.length > 0) {
      const { fields = [] } = table?.schema as { fields?: readonly unknown[] };
      await this.#table.changeFields([...fields, ...missing]);
    }
    await this.#table.prepare();
  }
}
