/** The end of a stream, read message by message: no consumer is left behind, nothing is held back. */
import type { KeptMessage, Topic } from "../messaging.js";
import { upToFirstFrame } from "../kept-messages.js";
import { NO_MESSAGE_FOUND, apiCodeOf } from "./api-errors.js";
import type { Link } from "./link.js";
import { streamKindOf, streamName, subjectName } from "./topology.js";

/**
 * Newest first, up to and with the first frame.
 *
 * @param singles how many messages at most
 * @throws NatsError when the stream is missing or the server stays away
 */
export async function newestMessages(
  link: Link,
  topic: Topic,
  namespace: string | undefined,
  singles: number,
): Promise<readonly KeptMessage[]> {
  const stream = streamName(streamKindOf(topic), namespace);
  const frameSubject = subjectName(`${topic}.frame`, namespace);
  const { state } = await link.jsm.streams.info(stream);
  const read = async (seq: number): Promise<KeptMessage | undefined> => {
    try {
      const { subject, data } = await link.jsm.streams.getMessage(stream, { seq });
      return { sequence: seq, isFrame: subject === frameSubject, payload: data };
    } catch (thrown) {
      // Trimmed since, or a gap.
      if (apiCodeOf(thrown) === NO_MESSAGE_FOUND) return undefined;
      throw thrown;
    }
  };
  const first = Math.max(1, state.first_seq);
  const newest = state.messages === 0 ? undefined : await read(state.last_seq);
  if (newest?.isFrame === true) return [newest];
  const before = Array.from({ length: singles - 1 }, (_, index) => state.last_seq - 1 - index);
  const others = await Promise.all(before.filter((seq) => seq >= first).map(read));
  return upToFirstFrame([newest, ...others].filter((message) => message !== undefined));
}
