/** One load job, from its start to its end, however often we have to ask. */
import { randomBytes } from "node:crypto";
import type { BigQueryClient } from "./client.js";
import type { BackoffRange, BigQueryClock } from "./clock.js";
import { HICCUP, QUOTA, backoffMs } from "./clock.js";
import type { Failure } from "./errors.js";
import { failure } from "./errors.js";
import type { TableGate } from "./gate.js";
import type { BigQueryTarget } from "./uri.js";

/**
 * How a job ended. `refused`: BigQuery read the rows and does not take them. `failed`: something else was
 * wrong, nothing of it is stored, and its id is spent.
 */
export type JobEnd =
  | { readonly kind: "loaded" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface LoadJobParts {
  readonly client: BigQueryClient;
  readonly clock: BigQueryClock;
  readonly gate: TableGate;
  readonly target: BigQueryTarget;
  /** Where the table is; a job is found there only. */
  readonly location: string | undefined;
}

const DEADLINE_MS = 30_000;
/** An upload may be as slow as this. */
const MIN_BYTES_PER_MS = 250;
/** How long between two looks at a running job: from the first to the last. */
const LOOK: BackoffRange = { firstMs: 500, maxMs: 10_000 };
const QUOTA_REASONS = new Set(["quotaExceeded", "rateLimitExceeded"]);
const PASSING_REASONS = new Set([
  "backendError",
  "internalError",
  "jobBackendError",
  "jobInternalError",
  "jobRateLimitExceeded",
  "stopped",
  "timeout",
  "resourcesExceeded",
]);
const TABLE_REASONS = new Set([
  "accessDenied",
  "notFound",
  "billingNotEnabled",
  "blocked",
  "responseTooLarge",
]);

export class LoadJobs {
  readonly #parts: LoadJobParts;

  constructor(parts: LoadJobParts) {
    this.#parts = parts;
  }

  /**
   * Starts the job unless it is there already, and waits for its end.
   *
   * @param media the rows as the upload takes them; asked for once a try
   * @throws EngineError `retry` when `signal` aborts a wait; the job may run on
   */
  async run(jobId: string, media: () => Promise<Buffer>, signal: AbortSignal): Promise<JobEnd> {
    for (let tries = 1; ; tries++) {
      const refusal = await this.#start(jobId, media, signal);
      const end = refusal === undefined ? await this.#end(jobId, signal) : endOf(refusal);
      if (end !== undefined) return end;
      const detail = refusal?.message ?? `job ${jobId} is not there`;
      await this.#wait(refusal?.kind === "quota" ? QUOTA : HICCUP, tries, detail, signal);
    }
  }

  /** @returns undefined if the job is there: BigQuery takes an id once and refuses it from then on */
  async #start(
    jobId: string,
    media: () => Promise<Buffer>,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const { contentType, body } = multipart(this.#definition(jobId), await media());
    const reply = await this.#parts.client.call({
      method: "POST",
      path: "jobs",
      upload: contentType,
      body,
      deadlineMs: DEADLINE_MS + body.length / MIN_BYTES_PER_MS,
      signal,
    });
    return reply.ok || reply.failure.status === 409 ? undefined : reply.failure;
  }

  /** @returns undefined if there is no such job */
  async #end(jobId: string, signal: AbortSignal): Promise<JobEnd | undefined> {
    const { client, clock, location } = this.#parts;
    const path = `jobs/${jobId}`;
    const query = location === undefined ? {} : { location };
    for (let looks = 1, tries = 0; ;) {
      const reply = await client.call({ method: "GET", path, query, deadlineMs: DEADLINE_MS, signal });
      if (!reply.ok) {
        if (reply.failure.status === 404) return undefined;
        // The job is ours and runs: only its end tells about rows, so we ask until we get it.
        tries++;
        await this.#wait(
          reply.failure.kind === "retry" ? HICCUP : QUOTA,
          tries,
          reply.failure.message,
          signal,
        );
        continue;
      }
      const end = readJob(reply.body);
      if (end !== undefined) return end;
      await clock.backoff(Math.min(LOOK.maxMs, LOOK.firstMs * 2 ** Math.min(looks - 1, 10)), signal);
      looks++;
    }
  }

  #definition(jobId: string): object {
    const { target, location } = this.#parts;
    const { projectId, datasetId, tableId } = target;
    return {
      jobReference: { projectId, jobId, ...(location === undefined ? {} : { location }) },
      configuration: {
        load: {
          destinationTable: { projectId, datasetId, tableId },
          sourceFormat: "NEWLINE_DELIMITED_JSON",
          createDisposition: "CREATE_NEVER",
          writeDisposition: "WRITE_APPEND",
          // A job stores all of its rows or none; an unknown column is an error and no silent loss.
          maxBadRecords: 0,
          ignoreUnknownValues: false,
        },
      },
    };
  }

  async #wait(range: BackoffRange, tries: number, detail: string, signal: AbortSignal): Promise<void> {
    const { clock, gate } = this.#parts;
    gate.hiccup(tries, detail);
    await clock.backoff(backoffMs(range, tries, clock.random), signal);
  }
}

/** A start that was refused: undefined where the same id may be started again. */
function endOf(refusal: Failure): JobEnd | undefined {
  switch (refusal.kind) {
    case "split":
      return { kind: "refused", reason: refusal.message };
    case "table":
      return { kind: "failed", failure: refusal };
    default:
      return undefined;
  }
}

/** @returns undefined while the job runs */
function readJob(job: Readonly<Record<string, unknown>>): JobEnd | undefined {
  const status = (job.status ?? {}) as {
    state?: unknown;
    errorResult?: JobError;
    errors?: readonly JobError[];
  };
  if (status.state !== "DONE") return undefined;
  if (status.errorResult === undefined) return { kind: "loaded" };
  const { reason = "" } = status.errorResult;
  // The result says that there were errors, the list which ones.
  const told = status.errors?.find((error) => error.reason === "invalid" && error.location !== undefined);
  const text = errorText(told ?? status.errorResult);
  if (QUOTA_REASONS.has(reason)) return { kind: "failed", failure: failure("quota", text, { reason }) };
  if (PASSING_REASONS.has(reason)) return { kind: "failed", failure: failure("retry", text, { reason }) };
  if (TABLE_REASONS.has(reason)) return { kind: "failed", failure: failure("table", text, { reason }) };
  return { kind: "refused", reason: text };
}

interface JobError {
  readonly reason?: string;
  readonly location?: string;
  readonly message?: string;
}

function errorText({ reason = "error", location, message = "" }: JobError): string {
  return `${reason}${location === undefined ? "" : ` at ${location}`}${message === "" ? "" : `: ${message}`}`;
}

/** A job and its rows as one body. */
function multipart(job: object, media: Buffer): { contentType: string; body: Buffer } {
  const boundary = `crunch-${randomBytes(16).toString("hex")}`;
  const head =
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n` +
    `--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return {
    contentType: `multipart/related; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(head), media, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
