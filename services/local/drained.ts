import { setTimeout as delay } from "node:timers/promises";
import { EngineError, messageOf } from "../shared/errors.js";
import type { Backlog, Messaging, Topic } from "../shared/messaging.js";

/** Between two looks, in milliseconds. */
const POLL_MS = 20;
/** Above so many messages that are to be delivered no engine is done by the next look, and looks need not be near. */
const FAR_MESSAGES = 100;
const FAR_POLL_MS = 200;
const TOPICS: readonly Topic[] = ["data", "results"];
/** A server that was started again answers within seconds. */
const TRIES = 100;
const RETRY_MS = 100;

/**
 * Waits until both stages have nothing to deliver and nothing unacked, in the order of the path:
 * a crunch-engine stores its results before it acks their data. A server that does not answer is
 * asked again.
 *
 * @param onDelivered told of each stage that has nothing to deliver any more, for good: nothing is left in those
 *   before it
 * @param wait between two looks, for tests
 * @returns true when empty, false when `signal` aborted before
 */
export async function drained(
  messaging: Pick<Messaging, "backlog">,
  signal: AbortSignal,
  onDelivered: (topic: Topic) => void = () => undefined,
  wait: (ms: number) => Promise<unknown> = delay,
): Promise<boolean> {
  for (const topic of TOPICS) {
    let isDelivered = false;
    for (;;) {
      const backlog = await backlogOf(messaging, topic);
      if (backlog?.pendingMessages === 0) {
        if (!isDelivered) onDelivered(topic);
        isDelivered = true;
        if (backlog.unackedMessages === 0) break;
      }
      if (signal.aborted) return false;
      await wait((backlog?.pendingMessages ?? 0) > FAR_MESSAGES ? FAR_POLL_MS : POLL_MS);
    }
  }
  return true;
}

async function backlogOf(
  messaging: Pick<Messaging, "backlog">,
  topic: Topic,
): Promise<Pick<Backlog, "pendingMessages" | "unackedMessages"> | undefined> {
  try {
    return await messaging.backlog(topic);
  } catch {
    return undefined;
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
