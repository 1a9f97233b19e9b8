/** Load jobs with their rows in the request. An id is taken once, and a job stores all of its rows or none. */
import { gunzipSync } from "node:zlib";
import type { Fault, Json, RowFault } from "./faults.js";
import type { FakeTable } from "./warehouse.js";

export interface LoadRequest {
  readonly jobId: string;
  readonly resource: Json;
  readonly destination: { readonly datasetId: string; readonly tableId: string };
  /** Newline-delimited JSON. */
  readonly lines: Buffer;
}

interface LoadResource {
  readonly jobReference?: { readonly jobId?: string };
  readonly configuration?: {
    readonly load?: { readonly destinationTable: LoadRequest["destination"]; readonly sourceFormat?: string };
  };
}

/** Reads a multipart upload. @returns undefined if it is none, or not of lines of JSON */
export function readLoadRequest(body: Buffer, contentType: string): LoadRequest | undefined {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1];
  if (boundary === undefined) return undefined;
  const mark = Buffer.from(`--${boundary}`);
  const second = body.indexOf(mark, mark.length);
  const third = body.lastIndexOf(mark);
  if (second < 0 || third <= second) return undefined;
  const resource = JSON.parse(contentOf(body.subarray(mark.length, second)).toString()) as LoadResource;
  const load = resource.configuration?.load;
  const jobId = resource.jobReference?.jobId;
  if (load?.sourceFormat !== "NEWLINE_DELIMITED_JSON" || jobId === undefined) return undefined;
  const media = contentOf(body.subarray(second + mark.length, third));
  const isGzip = media[0] === 0x1f && media[1] === 0x8b;
  return {
    jobId,
    resource: resource as Json,
    destination: load.destinationTable,
    lines: isGzip ? gunzipSync(media) : media,
  };
}

/** What is between the headers of a part and the line break before the next boundary. */
function contentOf(part: Buffer): Buffer {
  return part.subarray(part.indexOf("\r\n\r\n") + 4, part.length - 2);
}

interface Entry {
  readonly job: Json;
  looksLeft: number;
}

export class FakeJobs {
  readonly #entries = new Map<string, Entry>();

  get all(): readonly Json[] {
    return [...this.#entries.values()].map(({ job }) => job);
  }

  /** @returns the job as it starts; undefined if its id is taken */
  run(
    request: LoadRequest,
    table: FakeTable | undefined,
    nowMs: number,
    fault: Fault | undefined,
  ): Json | undefined {
    const { jobId, resource, lines } = request;
    if (this.#entries.has(jobId)) return undefined;
    const refusal = fault?.jobError ?? (fault?.takesUnread === true ? undefined : load(table, lines, fault));
    const status: Json = {
      state: "DONE",
      ...(refusal === undefined ? {} : { errorResult: refusal, errors: [refusal] }),
    };
    const job = { kind: "bigquery#job", ...resource, statistics: { creationTime: String(nowMs) }, status };
    this.#entries.set(jobId, { job, looksLeft: fault?.runsForLooks ?? 0 });
    return { ...job, status: { state: "RUNNING" } };
  }

  /** As it is told now. */
  get(jobId: string): Json | undefined {
    const entry = this.#entries.get(jobId);
    if (entry === undefined) return undefined;
    if (entry.looksLeft === 0) return entry.job;
    entry.looksLeft--;
    return { ...entry.job, status: { state: "RUNNING" } };
  }
}

function load(table: FakeTable | undefined, lines: Buffer, fault: Fault | undefined): RowFault | undefined {
  if (table === undefined) return { reason: "notFound", message: "Not found: Table" };
  const rows = lines
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);
  const refused = table.load(rows, fault?.rowErrors);
  if (refused === undefined) return undefined;
  const { reason, message = "" } = refused.fault;
  return { reason, location: "upload", message: `row ${String(refused.line + 1)}: ${message}` };
}
