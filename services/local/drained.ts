import type { Messaging, Topic } from "../shared/messaging.js";

const POLL_MS = 50;
const TOPICS: readonly Topic[] = ["data", "results"];

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
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
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
