/**
 * What to do about a failed call.
 *
 * - `retry`: send the same bytes again; whether BigQuery took them may be unknown.
 * - `quota`: the same, after a longer wait.
 * - `table`: the table, the dataset or our rights are wrong: nothing goes in until that changes.
 * - `split`: the request is too big or cannot be read: its halves may be fine.
 */
export type FailureKind = "retry" | "quota" | "table" | "split";

/** The reason of a call that our own deadline ended. */
export const NO_ANSWER = "noAnswer";

export interface Failure {
  readonly kind: FailureKind;
  /** HTTP status; undefined when no reply came. */
  readonly status: number | undefined;
  /** BigQuery's own word, such as `accessDenied`, or {@link NO_ANSWER}; undefined when it gave none. */
  readonly reason: string | undefined;
  /** For people. */
  readonly message: string;
}

/** The error of Google's client as it arrives here, read with care: nothing of it is certain. */
interface ClientError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly errors?: unknown;
  readonly response?: unknown;
}

export function failure(
  kind: FailureKind,
  message: string,
  details: { status?: number | undefined; reason?: string | undefined } = {},
): Failure {
  return { kind, status: details.status, reason: details.reason, message };
}

const QUOTA_REASONS = new Set(["quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded"]);
const PASSING_REASONS = new Set(["backendError", "jobBackendError", "internalError", "timeout", "stopped"]);
const RETRY_STATUSES = new Set([408, 425, 500, 502, 503, 504]);
const TOO_BIG = /payload size|too large|too many rows|exceeds? the (?:maximum|limit)/i;
const NO_CREDENTIALS = /default credentials|invalid_grant|invalid_client|unauthorized_client/i;
const UNREADABLE_REASONS = new Set(["parseError", "badRequest", "requestTooLarge"]);

/** Reads an error of Google's client: an HTTP status with Google's JSON, anything else with a status, or none. */
export function classify(thrown: unknown): Failure {
  const error = (typeof thrown === "object" && thrown !== null ? thrown : {}) as ClientError;
  const message = oneLine(typeof error.message === "string" ? error.message : String(thrown));
  // The client looks for credentials before each call, and that may fail with a status of its own.
  if (isMissingCredentials(message)) return failure("table", message, { reason: "credentials" });
  if (typeof error.code !== "number") {
    return failure("retry", message, { reason: typeof error.code === "string" ? error.code : undefined });
  }
  const status = error.code;
  const reason = firstReason(error);
  const details = { status, reason };
  const text = `${String(status)}${reason === undefined ? "" : ` ${reason}`}: ${message}`;
  if (status === 429 || (reason !== undefined && QUOTA_REASONS.has(reason)))
    return failure("quota", text, details);
  if (RETRY_STATUSES.has(status) || (reason !== undefined && PASSING_REASONS.has(reason))) {
    return failure("retry", text, details);
  }
  if (status === 413 || (status === 400 && isSplittable(reason, message)))
    return failure("split", text, details);
  // 401, 403, 404, 501 and every 4xx that says something else: no row is to blame.
  return failure(status < 500 || status === 501 ? "table" : "retry", text, details);
}

/** Whether words of Google's clients say that there are no credentials, or that they are void. */
export function isMissingCredentials(message: string): boolean {
  return NO_CREDENTIALS.test(message);
}

/** BigQuery answers a body over 10 MB with a 400 that gives no reason at all. */
function isSplittable(reason: string | undefined, message: string): boolean {
  return reason === undefined || UNREADABLE_REASONS.has(reason) || TOO_BIG.test(message);
}

function firstReason(error: ClientError): string | undefined {
  if (!Array.isArray(error.errors)) return undefined;
  const first: unknown = error.errors[0];
  if (typeof first !== "object" || first === null || !("reason" in first)) return undefined;
  return typeof first.reason === "string" && first.reason !== "" ? first.reason : undefined;
}

/** Google's client joins several texts with line breaks and may hold a whole HTML page. */
export function oneLine(text: string): string {
  const line = text
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** What `insertErrors` says about one row. */
export interface RowError {
  readonly index: number;
  /** True if the row itself can never be stored; false if it may be taken when sent again. */
  readonly invalid: boolean;
  /** BigQuery's reason, location and words. */
  readonly text: string;
}

/** Reasons that damn the row; every other is worth another try. */
const ROW_IS_BAD = new Set(["invalid", "parseError", "row-too-large", "invalidQuery", "notImplemented"]);

/** The kind that BigQuery gives its reply to insertAll. */
const INSERT_REPLY = "bigquery#tableDataInsertAllResponse";

/**
 * Reads the reply to insertAll.
 *
 * @param acceptsNoKind an emulator may leave `kind` out; then nothing else may be in the reply either
 * @returns one entry for each row that was not stored; undefined if this is no such reply
 */
export function readInsertReply(
  body: Readonly<Record<string, unknown>>,
  acceptsNoKind: boolean,
  sentRows: number,
): readonly RowError[] | undefined {
  const { kind, insertErrors, ...rest } = body;
  const bare = kind === undefined && acceptsNoKind && Object.keys(rest).length === 0;
  if (kind !== INSERT_REPLY && !bare) return undefined;
  if (insertErrors === undefined || insertErrors === null) return [];
  if (!Array.isArray(insertErrors)) return undefined;
  const rows = new Map<number, RowError>();
  for (const entry of insertErrors as readonly { index?: unknown; errors?: unknown }[]) {
    // Proto3 JSON leaves a zero out.
    const index = entry.index ?? 0;
    if (typeof index !== "number" || !(index >= 0 && index < sentRows)) return undefined;
    const errors = (Array.isArray(entry.errors) ? entry.errors : []) as readonly Record<string, unknown>[];
    const bad = errors.find((error) => ROW_IS_BAD.has(textOf(error.reason)));
    const told = bad ?? errors[0];
    const text = told === undefined ? "no reason given" : rowText(told);
    rows.set(index, { index, invalid: bad !== undefined, text });
  }
  return [...rows.values()];
}

function rowText(error: Readonly<Record<string, unknown>>): string {
  const location = textOf(error.location);
  const message = textOf(error.message);
  return `${textOf(error.reason)}${location === "" ? "" : ` at ${location}`}${message === "" ? "" : `: ${message}`}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
