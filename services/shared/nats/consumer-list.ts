/** The consumers of a stream, also while a server of a cluster is away. */
import { randomBytes } from "node:crypto";
import type { ConsumerInfo, NatsConnection } from "nats";
import { EngineError } from "../errors.js";

/**
 * Longest wait for a page, in milliseconds. The server itself waits 4 s for the consumers of a member
 * that is away, then lists them as missing.
 */
const LIST_MS = 8_000;
/** Of consumers that read without acking. They live on one server and are gone with it. */
const READER_PREFIX = "reader-";

interface Page {
  readonly total?: number;
  readonly consumers?: readonly ConsumerInfo[] | null;
  readonly missing?: readonly string[] | null;
  readonly error?: { readonly description?: string };
}

/** Name for a consumer that reads without acking: holds nothing back, and may be missing. */
export function readerName(): string {
  return READER_PREFIX + randomBytes(9).toString("base64url");
}

/**
 * Every consumer but readers that do not answer.
 *
 * @throws EngineError `consumer_missing` when another consumer does not answer; NatsError when the server
 *   stays away
 */
export async function listConsumers(nc: NatsConnection, stream: string): Promise<readonly ConsumerInfo[]> {
  const all: ConsumerInfo[] = [];
  for (let offset = 0; ;) {
    const request = JSON.stringify({ offset });
    const answer = await nc.request(`$JS.API.CONSUMER.LIST.${stream}`, request, { timeout: LIST_MS });
    const { consumers, missing, total = 0, error } = answer.json<Page>();
    if (error !== undefined) {
      throw new EngineError(
        "not_listed",
        "retry",
        `consumers of ${stream}: ${error.description ?? "refused"}`,
      );
    }
    const silent = (missing ?? []).find((name) => !name.startsWith(READER_PREFIX));
    if (silent !== undefined) {
      throw new EngineError("consumer_missing", "retry", `consumer ${silent} of ${stream} does not answer`);
    }
    const page = consumers ?? [];
    all.push(...page);
    offset += page.length;
    if (page.length === 0 || offset >= total) return all;
  }
}
