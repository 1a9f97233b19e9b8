/** What the Storage Write API answers, read with care: nothing of it is certain. */
import { status } from "@grpc/grpc-js";
import type { Failure, FailureKind, RowError } from "./errors.js";
import { failure, isMissingCredentials, oneLine } from "./errors.js";
import type { Try } from "./insert.js";

const KINDS: Readonly<Partial<Record<number, FailureKind>>> = {
  [status.RESOURCE_EXHAUSTED]: "quota",
  [status.INVALID_ARGUMENT]: "split",
  [status.UNAUTHENTICATED]: "table",
  [status.PERMISSION_DENIED]: "table",
  [status.NOT_FOUND]: "table",
  [status.FAILED_PRECONDITION]: "table",
  [status.UNIMPLEMENTED]: "table",
};

/** An error of gRPC, in an answer or as the end of a stream. */
export interface GrpcError {
  readonly code?: unknown;
  readonly details?: unknown;
  readonly message?: unknown;
}

/** AppendRowsResponse as the client hands it over. */
export interface AppendAnswer {
  readonly appendResult?: object | null;
  readonly error?: GrpcError | null;
  readonly rowErrors?: readonly {
    readonly index?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
  }[];
}

/** What to do about an error; of one without a code gRPC knows, the outcome is unknown. */
export function classifyGrpc({ code, details, message }: GrpcError): Failure {
  const name = typeof code === "number" ? status[code] : undefined;
  const words = typeof details === "string" && details !== "" ? details : message;
  const text = oneLine(typeof words === "string" ? words : "no reason given");
  // The client looks for credentials first, and that fails without a code.
  if (isMissingCredentials(text)) return failure("table", text, { reason: "credentials" });
  if (name === undefined) return failure("retry", text);
  return failure(KINDS[code as number] ?? "retry", `${name}: ${text}`, { reason: name });
}

/**
 * Reads the answer to an append of so many rows. The client settles happily with an error inside, so only
 * a result counts as stored.
 *
 * @returns undefined if the answer is none to this append: then nothing more on its stream can be trusted
 */
export function readAppendAnswer(answer: AppendAnswer, sentRows: number): Try | undefined {
  const { appendResult, error, rowErrors = [] } = answer;
  const hasResult = appendResult !== undefined && appendResult !== null;
  const hasError = (error !== undefined && error !== null) || rowErrors.length > 0;
  if (hasResult === hasError) return undefined;
  if (hasResult) return { errors: [] };
  if (rowErrors.length === 0 || (error?.code ?? status.INVALID_ARGUMENT) !== status.INVALID_ARGUMENT) {
    return { failure: classifyGrpc(error ?? {}) };
  }
  // The request was refused whole: rows that are not named may go in without those that are.
  const errors = Array.from({ length: sentRows }, (_, index): RowError => ({
    index,
    invalid: false,
    text: "stopped",
  }));
  for (const { index, code, message } of rowErrors) {
    const row = Number(index ?? 0);
    if (errors[row] === undefined) return undefined;
    const text = typeof message === "string" && message !== "" ? message : String(code);
    errors[row] = { index: row, invalid: true, text };
  }
  return { errors };
}
