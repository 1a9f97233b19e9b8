import { UserError } from "../shared/errors.js";
import type { Fault, Json } from "./faults.js";
import { GRPC_CODES } from "./grpc-codes.js";

/** What a fault written as JSON may say, and how: functions cannot be written. */
const KINDS: Readonly<Record<string, "number" | "string" | "boolean" | "object">> = {
  on: "object",
  times: "number",
  latencyMs: "number",
  status: "number",
  reason: "string",
  message: "string",
  body: "string",
  hang: "boolean",
  commitThenHang: "boolean",
  commitThenDrop: "boolean",
  dropBeforeCommit: "boolean",
  html200: "boolean",
  notFoundForMs: "number",
  jobError: "object",
  runsForLooks: "number",
  code: "string",
  endsStream: "boolean",
  updatedSchema: "boolean",
  emptyAnswer: "boolean",
  answersTwice: "boolean",
};

/**
 * Reads a fault; `on` is `{"method":"GET","path":"^jobs"}` with a regular expression as text.
 *
 * @throws UserError that names what is wrong
 */
export function readFault(text: string): Fault {
  const refuse = (why: string): never => {
    throw new UserError(`--fault="${text}": ${why}`);
  };
  let fault: unknown;
  try {
    fault = JSON.parse(text);
  } catch {
    refuse('must be JSON like {"status":503,"times":3}');
  }
  if (typeof fault !== "object" || fault === null || Array.isArray(fault))
    return refuse("must be a JSON object");
  for (const [name, value] of Object.entries(fault)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    if (kind === undefined) refuse(`unknown ${name}; known are ${Object.keys(KINDS).join(", ")}`);
    if (typeof value !== kind || value === null) refuse(`${name} must be a ${String(kind)}`);
  }
  const { code } = fault as Fault;
  if (code !== undefined && !GRPC_CODES.includes(code)) {
    refuse(`code must be one of ${GRPC_CODES.join(", ")}`);
  }
  const { on, ...rest } = fault as Json & { on?: { method?: unknown; path?: unknown } };
  if (on === undefined) return rest;
  const { method, path } = on;
  if (typeof path !== "string") return refuse("on.path must be a regular expression as text");
  if (method !== undefined && typeof method !== "string") return refuse("on.method must be text like GET");
  try {
    return { ...rest, on: { path: new RegExp(path), ...(method === undefined ? {} : { method }) } };
  } catch {
    return refuse(`on.path="${path}" is no regular expression`);
  }
}
