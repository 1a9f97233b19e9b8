/** What the error codes of JetStream mean for us: one table. */
import { NatsError } from "nats";

export const CONSUMER_NOT_FOUND = 10_014;
export const STREAM_NOT_FOUND = 10_059;
export const NO_MESSAGE_FOUND = 10_037;
/** A cluster has too few members for the replicas asked for. */
export const NO_PEERS = 10_005;
export const SUBJECTS_OVERLAP = 10_065;
export const WRONG_LAST_SEQUENCE = 10_071;

/** The JetStream code of a refused API request; undefined for everything else. */
export function apiCodeOf(thrown: unknown): number | undefined {
  return thrown instanceof NatsError ? thrown.api_error?.err_code : undefined;
}

/** `full` and `retry` may pass with time; `too_large` and `refused` never do. */
export type PublishVerdict = "full" | "retry" | "too_large" | "refused";

/** Answers to a publish that need more than a retry. Unknown codes are retried: nothing is lost by that. */
const PUBLISH_VERDICTS: ReadonlyMap<number, PublishVerdict> = new Map([
  [10_002, "full"], // resource limits of the account
  [10_023, "full"], // insufficient resources
  [10_028, "full"], // memory of the server
  [10_047, "full"], // storage of the server
  [10_077, "full"], // maximum messages or bytes of the stream, or its store failed
  [10_122, "full"], // storage of the account
  [10_054, "too_large"], // larger than the stream's max_msg_size
  [10_097, "too_large"], // headers larger than 64 KB
  [10_060, "refused"], // the subject is stored by another stream than ours
  [10_109, "refused"], // the stream is sealed
]);

/** What the answer of a stream to a publish means. */
export function publishVerdict(errorCode: number | undefined): PublishVerdict {
  return (errorCode === undefined ? undefined : PUBLISH_VERDICTS.get(errorCode)) ?? "retry";
}
