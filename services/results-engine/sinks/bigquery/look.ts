/** A BigQuery sink before it is opened: a few questions, and nothing is made. */
import { lookAtAppends } from "./append-client.js";
import type { BigQueryClient, Reply } from "./client.js";
import { tableDifference } from "./table.js";
import type { BigQueryTarget } from "./uri.js";
import { keepsFromStarting } from "../sink-look.js";
import type { SinkRemark } from "../sink-look.js";

const DEADLINE_MS = 15_000;
/** What it takes to write rows and to read the table when BigQuery refuses some. */
const PERMISSIONS = ["bigquery.tables.get", "bigquery.tables.updateData"];

export async function lookAtBigQuery(client: BigQueryClient, target: BigQueryTarget): Promise<SinkRemark[]> {
  const { projectId, datasetId, tableId, mode } = target;
  const get = (path: string): Promise<Reply> => client.call({ method: "GET", path, deadlineMs: DEADLINE_MS });
  const datasetPath = `datasets/${datasetId}`;
  const tablePath = `${datasetPath}/tables/${encodeURIComponent(tableId)}`;
  const name = `${projectId}.${datasetId}.${tableId}`;
  const table = await get(tablePath);
  if (table.ok) {
    const difference = tableDifference(table.body, mode);
    if (difference !== undefined) {
      return [keepsFromStarting(`table ${name} does not fit the rows of this version: ${difference}`)];
    }
    const permissions = await lookAtPermissions(client, tablePath, name);
    const goesByAppends = mode === "write" || mode === "upsert";
    return goesByAppends ? [...permissions, ...(await lookAtWriteApi(target))] : permissions;
  }
  if (table.failure.status !== 404) return [refusal(`table ${name} cannot be read`, table)];
  const dataset = await get(datasetPath);
  if (!dataset.ok && dataset.failure.status !== 404) {
    return [refusal(`dataset ${projectId}.${datasetId} cannot be read`, dataset)];
  }
  const what = dataset.ok ? `table ${name}` : `dataset ${projectId}.${datasetId} and table ${name}`;
  return [
    {
      level: "info",
      problem: `${what} will be made by the first results-engine`,
      why: "whether these credentials may do that is only known when it is tried",
    },
  ];
}

async function lookAtWriteApi(target: BigQueryTarget): Promise<SinkRemark[]> {
  const trouble = await lookAtAppends(target, DEADLINE_MS);
  if (trouble === undefined) return [];
  const where = target.writeEndpoint === undefined ? "" : ` at ${target.writeEndpoint}`;
  return [
    {
      level: "error",
      problem: `the Storage Write API${where} cannot be used: ${trouble.message}`,
      why: `mode=${target.mode} stores no row while that lasts, so rows wait in NATS`,
    },
  ];
}

async function lookAtPermissions(
  client: BigQueryClient,
  tablePath: string,
  name: string,
): Promise<SinkRemark[]> {
  const body = Buffer.from(JSON.stringify({ permissions: PERMISSIONS }));
  const reply = await client.call({
    method: "POST",
    path: `${tablePath}:testIamPermissions`,
    body,
    deadlineMs: DEADLINE_MS,
  });
  if (!reply.ok) {
    return [
      {
        level: "info",
        problem: `whether these credentials may write to ${name} was not checked: ${reply.failure.message}`,
        why: "the first batch will tell",
      },
    ];
  }
  const granted = Array.isArray(reply.body.permissions) ? (reply.body.permissions as unknown[]) : [];
  const missing = PERMISSIONS.filter((permission) => !granted.includes(permission));
  if (missing.length === 0) return [];
  return [
    {
      level: "error",
      problem: `these credentials lack ${missing.join(", ")} on ${name}; roles/bigquery.dataEditor has them`,
      why: "BigQuery refuses every batch, so rows wait in NATS until somebody grants them",
    },
  ];
}

function refusal(what: string, reply: Extract<Reply, { ok: false }>): SinkRemark {
  return keepsFromStarting(`${what}: ${reply.failure.message}`);
}
