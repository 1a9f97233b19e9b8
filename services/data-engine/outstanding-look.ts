/** How many records are outstanding: by two quick questions where these suffice, else counted. */
import { outstandingOf } from "../shared/ledger.js";
import type { Backlog, Messaging } from "../shared/messaging.js";

/** Tag and length of a record in a frame without any field. */
const LEAST_RECORD_BYTES = 2;

/**
 * Counting reads the headers of all frames since the last count, which takes many round trips: more
 * than a distant engine gets done between two outages of its link.
 *
 * @param enough up to this many, the answer may be more than are outstanding
 * @param maxPayloadBytes largest message that the server takes
 * @throws whatever the streams are asked with throws
 */
export async function lookAtOutstanding(
  messaging: Pick<Messaging, "backlog" | "streamsLook">,
  maxPayloadBytes: number,
  enough: number,
): Promise<number> {
  // In the order of the path: what has left one stage is found in the next.
  const data = mostRecords(await messaging.backlog("data"), maxPayloadBytes);
  const most = data + mostRecords(await messaging.backlog("results"), maxPayloadBytes);
  return most <= enough ? most : outstandingOf(await messaging.streamsLook());
}

function mostRecords({ pendingMessages, unackedMessages, bytes }: Backlog, maxPayloadBytes: number): number {
  const messages = pendingMessages + unackedMessages;
  return messages === 0 ? 0 : Math.min(messages * maxPayloadBytes, bytes) / LEAST_RECORD_BYTES;
}
