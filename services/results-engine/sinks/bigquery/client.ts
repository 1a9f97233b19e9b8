import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { BigQuery } from "@google-cloud/bigquery";
import { PassThroughClient } from "google-auth-library";
import type { BigQueryClock } from "./clock.js";
import type { Failure } from "./errors.js";
import { NO_ANSWER, classify, failure } from "./errors.js";
import type { BigQueryTarget } from "./uri.js";

/** What came back: a JSON object of a 2xx reply, or what went wrong. */
export type Reply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: Failure };

export interface Call {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below `projects/PROJECT/`, without slash at either end. */
  readonly path: string;
  /** What follows the `?`. The client library drops it from an address. */
  readonly query?: Readonly<Record<string, string>>;
  /** Sent byte for byte. */
  readonly body?: Buffer;
  /** Content-Type of a body with media in it, which goes to the address for uploads as it is. */
  readonly upload?: string;
  readonly deadlineMs: number;
  /** When it aborts, the answer has {@link STOP_GRACE_MS} left to come. */
  readonly signal?: AbortSignal;
}

/** How long a call may outlast the wish to stop, in milliseconds; well below DRAIN_MS. */
export const STOP_GRACE_MS = 5_000;

/** A smaller body fits into a packet or two anyway. */
const MIN_GZIP_BYTES = 2_048;

const compressed = promisify(gzip);

/**
 * Google's client, with what it does by itself switched off. It gives addresses, credentials and
 * connections; tries, waits and deadlines are ours.
 *
 * - Bodies go out as bytes. As `json` the client would copy each one deeply and put the project id
 *   where a text holds `{{projectId}}`.
 * - `autoRetry: false` and not `maxRetries: 0`, which it takes for unset.
 * - It keeps no deadline and no AbortSignal reaches it, so the caller stops waiting instead: the
 *   outcome of such a call is unknown, and so is that of one whose connection broke.
 */
export class BigQueryClient {
  readonly #client: BigQuery;
  readonly #clock: BigQueryClock;
  readonly #compresses: boolean;
  readonly #base: string;
  readonly #projectId: string;

  /** @param compresses whether bodies go out gzipped: a tenth of the bytes for a third more CPU */
  constructor(target: BigQueryTarget, clock: BigQueryClock, compresses: boolean) {
    this.#clock = clock;
    this.#compresses = compresses;
    this.#client = new BigQuery({
      projectId: target.projectId,
      retryOptions: { autoRetry: false },
      ...(target.endpoint === undefined
        ? {}
        : { apiEndpoint: target.endpoint, authClient: new PassThroughClient() }),
    });
    // BIGQUERY_EMULATOR_HOST would replace this address, without the path of the API.
    this.#base = target.endpoint ?? "https://bigquery.googleapis.com";
    this.#projectId = target.projectId;
    this.#client.baseUrl = `${this.#base}/bigquery/v2`;
  }

  /** Never throws: every end of a call is a {@link Reply}, one that never ends included. */
  async call(call: Call): Promise<Reply> {
    const { method, body, deadlineMs, signal } = call;
    const request = {
      method,
      uri: this.#uri(call),
      qs: { ...call.query, ...(call.upload === undefined ? {} : { uploadType: "multipart" }) },
      ...(body === undefined ? {} : await this.#payload(call, body)),
    };
    return new Promise((resolve) => {
      const expireAfter = (ms: number): (() => void) =>
        this.#clock.deadline(ms, () =>
          end({
            ok: false,
            failure: failure("retry", `no answer within ${String(ms)} ms`, { reason: NO_ANSWER }),
          }),
        );
      const stops = [expireAfter(deadlineMs)];
      const onAbort = (): void => void stops.push(expireAfter(STOP_GRACE_MS));
      const end = (reply: Reply): void => {
        for (const stop of stops) stop();
        signal?.removeEventListener("abort", onAbort);
        resolve(reply);
      };
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
      try {
        this.#client.request(request, (error: unknown, answer: unknown) => end(replyOf(error, answer)));
      } catch (thrown) {
        end({ ok: false, failure: classify(thrown) });
      }
    });
  }

  #uri({ path, upload }: Call): string {
    if (upload === undefined) return path;
    return `${this.#base}/upload/bigquery/v2/projects/${this.#projectId}/${path}`;
  }

  async #payload({ upload }: Call, body: Buffer): Promise<{ body: Buffer; headers: Record<string, string> }> {
    if (upload !== undefined) return { body, headers: { "Content-Type": upload } };
    const headers = { "Content-Type": "application/json" };
    if (!this.#compresses || body.length < MIN_GZIP_BYTES) return { body, headers };
    // The lowest level: higher ones cost several times as much to save little more.
    return {
      body: await compressed(body, { level: 1 }),
      headers: { ...headers, "Content-Encoding": "gzip" },
    };
  }
}

function replyOf(error: unknown, body: unknown): Reply {
  if (error !== null && error !== undefined) return { ok: false, failure: classify(error) };
  // A proxy's log-in page is a 200 as well.
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return { ok: false, failure: failure("retry", "the reply is no JSON: is the address BigQuery's?") };
  }
  return { ok: true, body: body as Readonly<Record<string, unknown>> };
}
