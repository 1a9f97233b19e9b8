import { UserError } from "../../../shared/errors.js";
import type { PluginUri } from "../../../shared/plugin-uri.js";
import { allowParams, integerParam } from "../../../shared/plugin-uri.js";
import { KEY_COLUMN, ROW_COLUMNS } from "../row-schema.js";

/** How rows go in; docs/bigquery.md has them side by side. */
export type BigQueryMode = "stream" | "load" | "write" | "upsert";

/** How the table is cut into partitions on DTimeStamp; `none` leaves it whole. */
export type Partitioning = "day" | "month" | "none";

/** One table of BigQuery and how to reach it. */
export interface BigQueryTarget {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
  readonly mode: BigQueryMode;
  readonly partition: Partitioning;
  /** Columns that a new table is clustered by; none leaves it unclustered. */
  readonly cluster: readonly string[];
  /** Where the dataset is made when absent: `EU`, `US`, `europe-west1`. */
  readonly location: string | undefined;
  /** Base address of an emulator; no credentials are sent there. */
  readonly endpoint: string | undefined;
  /** The same of its Storage Write API, of modes write and upsert. */
  readonly writeEndpoint: string | undefined;
  /** Of mode load: the folder where batches wait for their jobs. */
  readonly spool: string;
  /** Of mode load: jobs of this engine in any 24 hours, at most. */
  readonly loadsPerDay: number;
}

const MODES: readonly string[] = ["stream", "load", "write", "upsert"] satisfies BigQueryMode[];
/** BigQuery takes 1,500 load jobs a table and day, failed ones included; some are left to others. */
const LOADS_PER_DAY = { min: 1, max: 1_500, default: 1_400 };
/** BigQuery clusters by four columns at most. */
const MAX_CLUSTER_COLUMNS = 4;
const PARAMS = [
  "mode",
  "endpoint",
  "write-endpoint",
  "location",
  "partition",
  "cluster",
  "spool",
  "loads-per-day",
];
/** Where emulators have the Storage Write API, beside 9050 for everything else. */
const WRITE_PORT = 9060;
const PARTITIONS: readonly string[] = ["day", "month", "none"] satisfies Partitioning[];
const ENDPOINT_SETTING = "BIGQUERY_API_ENDPOINT";
const FORM = "must look like bigquery:PROJECT/DATASET/TABLE";

/**
 * @param endpoint of the environment; the parameter `endpoint` of the URI wins
 * @throws UserError that names the value and what is allowed
 */
export function parseBigQueryUri(uri: PluginUri, endpoint: string | undefined): BigQueryTarget {
  allowParams("SINK", uri, PARAMS);
  const refuse = (why: string): never => {
    throw new UserError(`SINK="${uri.text}": ${why}`);
  };
  const [projectId = "", datasetId = "", tableId = "", ...rest] = uri.path.split("/");
  if (rest.length > 0 || tableId === "") refuse(FORM);
  if (!/^(?:[a-z0-9.-]{1,63}:)?[a-z0-9][a-z0-9-]{0,62}$/.test(projectId)) {
    refuse(`project "${projectId}" must be a project id: lower-case letters, digits and -, at most 63`);
  }
  if (!/^\w{1,1024}$/.test(datasetId)) {
    refuse(`dataset "${datasetId}" must be letters, digits and _, at most 1024`);
  }
  if (!/^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd} ]{1,1019}$/u.test(tableId)) {
    refuse(`table "${tableId}" must be letters, digits, _ and -, at most 1019`);
  }
  const mode = uri.params.get("mode") ?? "stream";
  if (!MODES.includes(mode)) refuse(`mode=${mode} must be one of ${MODES.join(", ")}`);
  const only = (param: string, ...modes: readonly string[]): void => {
    if (uri.params.has(param) && !modes.includes(mode))
      refuse(`${param} is for mode=${modes.join(" and mode=")}, not mode=${mode}`);
  };
  only("spool", "load");
  only("loads-per-day", "load");
  only("write-endpoint", "write", "upsert");
  const partition = uri.params.get("partition") ?? "day";
  if (!PARTITIONS.includes(partition))
    refuse(`partition=${partition} must be one of ${PARTITIONS.join(", ")}`);
  const cluster = clusterColumns(uri.params.get("cluster") ?? KEY_COLUMN, refuse);
  const spool =
    uri.params.get("spool") ?? `load-spool/${projectId.replace(":", "_")}.${datasetId}.${tableId}`;
  if (spool === "") refuse("spool must be a folder");
  const address = uri.params.get("endpoint") ?? endpoint ?? "";
  const base = address === "" ? undefined : plainAddress(address);
  if (address !== "" && base === undefined) {
    const what = `${ENDPOINT_SETTING}="${address}": must be an address like http://localhost:9050`;
    throw new UserError(`${what} (the endpoint= of SINK counts too)`);
  }
  const writeAddress = uri.params.get("write-endpoint");
  if (writeAddress !== undefined && base === undefined) {
    refuse("write-endpoint needs endpoint or BIGQUERY_API_ENDPOINT, where tables are made");
  }
  const writeEndpoint = writeAddress === undefined ? writeEndpointBeside(base) : plainAddress(writeAddress);
  if (writeAddress !== undefined && writeEndpoint === undefined) {
    refuse(`write-endpoint="${writeAddress}": must be an address like http://localhost:9060`);
  }
  return {
    projectId,
    datasetId,
    tableId,
    mode: mode as BigQueryMode,
    partition: partition as Partitioning,
    cluster,
    location: uri.params.get("location"),
    endpoint: base,
    writeEndpoint,
    spool,
    loadsPerDay: integerParam("SINK", uri, "loads-per-day", LOADS_PER_DAY),
  };
}

/** `cluster=ID,Meta`, or `cluster=none`. */
function clusterColumns(text: string, refuse: (why: string) => never): readonly string[] {
  if (text === "none") return [];
  const names = ROW_COLUMNS.map(({ name }) => name);
  const columns = text.split(",");
  for (const column of columns) {
    if (!names.includes(column))
      refuse(`cluster=${text}: "${column}" must be one of ${names.join(", ")}, or none`);
  }
  if (columns.length > MAX_CLUSTER_COLUMNS || new Set(columns).size < columns.length) {
    refuse(`cluster=${text} must be at most ${String(MAX_CLUSTER_COLUMNS)} columns, each once`);
  }
  return columns;
}

function writeEndpointBeside(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const { protocol, hostname } = new URL(endpoint);
  return `${protocol}//${hostname}:${String(WRITE_PORT)}`;
}

/** @returns the address without slashes at its end; undefined if it is none */
function plainAddress(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") return undefined;
  return address.replace(/\/+$/, "");
}
