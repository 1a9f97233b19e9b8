import type { Fault } from "./faults.js";

/** Every code of gRPC by its number. */
export const GRPC_CODES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** What a gRPC client makes of the HTTP statuses that faults of the REST side name. */
const OF_STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
};

/** What gRPC calls an error: its number and words. */
export interface GrpcError {
  readonly code: number;
  readonly message: string;
}

export function grpcError(code: string, message: string): GrpcError {
  return { code: GRPC_CODES.indexOf(code), message };
}

/** The error that a fault asks for, and whether it ends the stream; undefined if it asks for none. */
export function faultError(fault: Fault | undefined): { error: GrpcError; endsStream: boolean } | undefined {
  if (fault?.html200 === true || fault?.body !== undefined) {
    return { error: grpcError("UNKNOWN", "Received HTTP status code 200"), endsStream: true };
  }
  const code = fault?.code ?? (fault?.status === undefined ? undefined : codeOf(fault.status, fault.reason));
  if (fault === undefined || code === undefined) return undefined;
  const error = grpcError(code, fault.message ?? fault.reason ?? "Error");
  return { error, endsStream: fault.endsStream ?? fault.code === undefined };
}

function codeOf(status: number, reason: string | undefined): string {
  if (reason === "quotaExceeded" || reason === "rateLimitExceeded") return "RESOURCE_EXHAUSTED";
  return OF_STATUS[status] ?? (status < 500 ? "FAILED_PRECONDITION" : "INTERNAL");
}
