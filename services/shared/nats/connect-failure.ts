/** Why a first connect failed, for people. */
import { ErrorCode, NatsError } from "nats";
import { EngineError, messageOf } from "../errors.js";
import { apiCodeOf } from "./api-errors.js";
import type { Silence } from "./probe.js";
import { tlsReasonOf } from "./tls-failure.js";

/** No server of NATS_URL answered. */
export class NobodyAnswers extends Error {
  readonly silences: readonly Silence[];

  constructor(silences: readonly Silence[]) {
    super(silences.join(", "));
    this.silences = silences;
  }
}

/** The server took the connection, and its JetStream says nothing. */
export class JetStreamSilent extends Error {}

const TIMEOUT: string = ErrorCode.Timeout;

/** Tells a timeout of JetStream from one of the connection. */
export function afterConnect(thrown: unknown): unknown {
  const isSilent = thrown instanceof NatsError && thrown.code === TIMEOUT;
  return isSilent ? new JetStreamSilent("JetStream does not answer", { cause: thrown }) : thrown;
}

/** True if nobody said no: nothing came in time. */
export function isTimeout(thrown: unknown): boolean {
  if (thrown instanceof NobodyAnswers) return thrown.silences.includes("timeout");
  return thrown instanceof JetStreamSilent || (thrown instanceof NatsError && thrown.code === TIMEOUT);
}

const NO_JETSTREAM = "the server has no JetStream; start it with: nats-server -js";
/** Some servers hang like this when their disk is full; only a kill and a start with room end it. */
const SILENT_JETSTREAM =
  "the server took the connection but its JetStream does not answer; if its disk was full, make room, then kill and start it";
const NO_ACCESS =
  "the server refuses the user or password, nkey or credentials (authorization violation); NATS_NKEY_FILE, " +
  "NATS_CREDS_FILE, NATS_USER with NATS_PASSWORD_FILE say who connects";

const SILENCES: Readonly<Record<Silence, string>> = {
  refused: "the connection was refused; is nats-server running there?",
  unknown_host: "the host name is unknown",
  timeout: "no answer within 4 s (timeout); is the address right and reachable?",
  not_nats: "something else than a NATS server answers there",
};

/** By the code of the client library. */
const REASONS: ReadonlyMap<string, string> = new Map([
  [ErrorCode.Timeout, SILENCES.timeout],
  // JetStream of a server that is just starting answers like one that has none.
  [ErrorCode.NoResponders, NO_JETSTREAM],
  [ErrorCode.AuthorizationViolation, NO_ACCESS],
  [ErrorCode.AuthenticationExpired, NO_ACCESS],
  [ErrorCode.AuthenticationTimeout, NO_ACCESS],
  [ErrorCode.BadAuthentication, NO_ACCESS],
]);

/** JetStream is off, for the server or for the account. */
const JETSTREAM_OFF: ReadonlySet<number> = new Set([10_076, 10_039]);

/** A reason, to follow the value of NATS_URL in a sentence. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof NobodyAnswers) {
    return [...new Set(thrown.silences)].map((silence) => SILENCES[silence]).join("; ");
  }
  if (thrown instanceof JetStreamSilent) return SILENT_JETSTREAM;
  if (thrown instanceof EngineError) return thrown.message;
  const apiCode = apiCodeOf(thrown);
  if (apiCode !== undefined && JETSTREAM_OFF.has(apiCode)) return NO_JETSTREAM;
  if (apiCode !== undefined) return `JetStream refuses: ${messageOf(thrown)}`;
  const tls = tlsReasonOf(thrown);
  if (tls !== undefined) return tls;
  if (!(thrown instanceof NatsError)) return `cannot connect: ${messageOf(thrown)}`;
  if (thrown.isPermissionError()) return permissionReason(thrown);
  const chained = thrown.chainedError === undefined ? "" : ` (${thrown.chainedError.message})`;
  return REASONS.get(thrown.code) ?? `cannot connect: ${thrown.message}${chained}`;
}

/** Engines whose user may not make streams and durables find them made, or say who makes them. */
function permissionReason(refused: NatsError): string {
  const subject = refused.permissionContext?.subject ?? "";
  const isTopology = /\.(STREAM|CONSUMER)\.(CREATE|UPDATE)\./.test(subject);
  const hint = isTopology
    ? "; `crunch streams`, as the user operator, makes streams and durables as set"
    : "";
  return `the user lacks a permission: ${refused.message}${hint}`;
}
