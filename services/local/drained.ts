import { setTimeout as delay } from "node:timers/promises";
import { EngineError, messageOf } from "../shared/errors.js";
import type { Messaging, Topic } from "../shared/messaging.js";

const POLL_MS = 50;
const TOPICS: readonly Topic[] = ["data", "results"];
/** A server that was started again answers within seconds. */
const TRIES = 100;
const RETRY_MS = 100;

/**
 * Waits until both stages have nothing to deliver and nothing unacked, in the order of the path:
 * a crunch-engine stores its results before it acks their data. A server that does not answer is
 * asked again.
 *
 * @returns true when empty, false when `signal` aborted before
 */
export async function drained(messaging: Pick<Messaging, "backlog">, signal: AbortSignal): Promise<boolean> {
  for (const topic of TOPICS) {
    while (!(await isEmpty(messaging, topic))) {
      if (signal.aborted) return false;
      await delay(POLL_MS);
    }
  }
  return true;
}

async function isEmpty(messaging: Pick<Messaging, "backlog">, topic: Topic): Promise<boolean> {
  try {
    const { pendingMessages, unackedMessages } = await messaging.backlog(topic);
    return pendingMessages === 0 && unackedMessages === 0;
  } catch {
    return false;
  }
}

/**
 * Asks until there is an answer.
 *
 * @throws EngineError `stop` with the last refusal after {@link TRIES} tries
 */
export async function answered<Answer>(
  ask: () => Promise<Answer>,
  retryMs: number = RETRY_MS,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (tries < TRIES) await delay(retryMs);
      else throw new EngineError("no_answer", "stop", `NATS does not answer: ${messageOf(thrown)}`);
    }
  }
}
