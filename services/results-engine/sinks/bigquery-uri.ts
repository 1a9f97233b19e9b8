import { UserError } from "../../shared/errors.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { allowParams } from "../../shared/plugin-uri.js";

/** How the table is cut into partitions on DTimeStamp; `none` leaves it whole. */
export type Partitioning = "day" | "month" | "none";

/** One table of BigQuery and how to reach it. */
export interface BigQueryTarget {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
  readonly partition: Partitioning;
  /** Where the dataset is made when absent: `EU`, `US`, `europe-west1`. */
  readonly location: string | undefined;
  /** Base address of an emulator; no credentials are sent there. */
  readonly endpoint: string | undefined;
}

const MODES = ["stream"];
const PARTITIONS: readonly string[] = ["day", "month", "none"] satisfies Partitioning[];
const FORM = "must look like bigquery:PROJECT/DATASET/TABLE";

/**
 * @param endpoint of the environment; the parameter `endpoint` of the URI wins
 * @throws UserError that names the value and what is allowed
 */
export function parseBigQueryUri(uri: PluginUri, endpoint: string | undefined): BigQueryTarget {
  allowParams("SINK", uri, ["mode", "endpoint", "location", "partition"]);
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
  const partition = uri.params.get("partition") ?? "day";
  if (!PARTITIONS.includes(partition))
    refuse(`partition=${partition} must be one of ${PARTITIONS.join(", ")}`);
  const address = uri.params.get("endpoint") ?? endpoint;
  return {
    projectId,
    datasetId,
    tableId,
    partition: partition as Partitioning,
    location: uri.params.get("location"),
    endpoint: address === undefined || address === "" ? undefined : checkedEndpoint(address),
  };
}

function checkedEndpoint(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new UserError(
      `BIGQUERY_API_ENDPOINT="${address}": must be an address like http://localhost:9050 (the endpoint= of SINK counts too)`,
    );
  }
  return address.replace(/\/+$/, "");
}
