import { BigQuery } from "@google-cloud/bigquery";
import { PassThroughClient } from "google-auth-library";
import type { BigQueryClock } from "./bigquery-clock.js";
import type { Failure } from "./bigquery-errors.js";
import { classify, failure } from "./bigquery-errors.js";
import type { BigQueryTarget } from "./bigquery-uri.js";

/** What came back: a JSON object of a 2xx reply, or what went wrong. */
export type Reply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: Failure };

export interface Call {
  readonly method: "GET" | "POST";
  /** Below `projects/PROJECT/`, without slash at either end. */
  readonly path: string;
  /** Sent byte for byte. */
  readonly body?: Buffer;
  readonly deadlineMs: number;
}

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

  constructor(target: BigQueryTarget, clock: BigQueryClock) {
    this.#clock = clock;
    this.#client = new BigQuery({
      projectId: target.projectId,
      retryOptions: { autoRetry: false },
      ...(target.endpoint === undefined
        ? {}
        : { apiEndpoint: target.endpoint, authClient: new PassThroughClient() }),
    });
    // BIGQUERY_EMULATOR_HOST would replace this address, without the path of the API.
    this.#client.baseUrl = `${target.endpoint ?? "https://bigquery.googleapis.com"}/bigquery/v2`;
  }

  /** Never throws: every end of a call is a {@link Reply}, one that never ends included. */
  call(call: Call): Promise<Reply> {
    return new Promise((resolve) => {
      const stopDeadline = this.#clock.deadline(call.deadlineMs, () =>
        resolve({
          ok: false,
          failure: failure("retry", `no answer within ${String(call.deadlineMs)} ms`),
        }),
      );
      const settle = (error: unknown, body: unknown): void => {
        stopDeadline();
        resolve(replyOf(error, body));
      };
      this.#client.request(
        {
          method: call.method,
          uri: call.path,
          ...(call.body === undefined
            ? {}
            : { body: call.body, headers: { "Content-Type": "application/json" } }),
        },
        settle,
      );
    });
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
