/** Making streams and durables of a cluster that may be choosing a leader right now. */
import { ErrorCode, NatsError } from "nats";
import type { NatsConnection } from "nats";
import { setTimeout as delay } from "node:timers/promises";
import { EngineError, messageOf } from "../errors.js";
import { NO_PEERS, apiCodeOf } from "./api-errors.js";
import type { Warn } from "./link.js";

/** Three rounds of an election: the server waits 4 to 9 s for a round, and votes may be split. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 250;
const UNAVAILABLE = 503;

export interface ElectionWait {
  readonly nc: NatsConnection;
  readonly warn: Warn;
  /** Ends the wait. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks again for up to 30 s while a cluster is silent or has no leader. A server of no cluster is
 * asked once: there, silence means trouble that a person should hear of at once.
 *
 * @throws EngineError `stopped_waiting` when `signal` ended the wait; else what `ask` threw last
 */
export async function throughElections<T>(ask: () => Promise<T>, wait: ElectionWait): Promise<T> {
  const { nc, warn, signal } = wait;
  const endMs = performance.now() + (nc.info?.cluster === undefined ? 0 : PATIENCE_MS);
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (!mayBeElecting(thrown) || performance.now() >= endMs || nc.isClosed()) throw thrown;
      if (tries === 1) warn({ error: messageOf(thrown) }, "the NATS cluster has no leader yet; asking again");
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    if (signal?.aborted === true) {
      throw new EngineError("stopped_waiting", "stop", "stopped while the NATS cluster had no leader");
    }
  }
}

function mayBeElecting(thrown: unknown): boolean {
  // A cluster places streams only on members that it has heard of.
  if (thrown instanceof Error && apiCodeOf(thrown.cause) === NO_PEERS) return true;
  if (!(thrown instanceof NatsError)) return false;
  const codes: readonly string[] = [ErrorCode.Timeout, ErrorCode.NoResponders];
  return codes.includes(thrown.code) || thrown.api_error?.code === UNAVAILABLE;
}
