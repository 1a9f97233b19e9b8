/** Looks back through a stream for a message of one's own among those of others. */
import { AckPolicy, DeliverPolicy, nanos } from "nats";
import { readerName } from "./consumer-list.js";
import { toRecord } from "./headers.js";
import type { Link } from "./link.js";

/** Messages of the stream that are looked at, at most. */
const MAX_BACK = 100_000;
/** Headers asked for at once: a few megabytes. */
const PAGE_MESSAGES = 5_000;
const PAGE_EXPIRES_MS = 2_000;
/** The server removes the reader of a process that died after this. */
const INACTIVE_MS = 10_000;

/**
 * Headers of the newest message of a subject that has a header of this value; undefined if there is none.
 *
 * @param newest sequence of the newest message of the subject
 */
export async function findLastHeaders(
  link: Link,
  stream: string,
  subject: string,
  newest: number,
  having: { readonly header: string; readonly value: string },
): Promise<Readonly<Record<string, string>> | undefined> {
  const reader = await link.jsm.consumers.add(stream, {
    name: readerName(),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, newest - MAX_BACK),
    filter_subject: subject,
    // Frames are large, and only their headers count here.
    headers_only: true,
    inactive_threshold: nanos(INACTIVE_MS),
  });
  let found: Readonly<Record<string, string>> | undefined;
  try {
    const consumer = link.nc.jetstream().consumers.getPullConsumerFor(reader);
    for (let isMore = true; isMore;) {
      isMore = false;
      const page = await consumer.fetch({ max_messages: PAGE_MESSAGES, expires: PAGE_EXPIRES_MS });
      for await (const message of page) {
        const headers = toRecord(message.headers);
        if (headers[having.header] === having.value) found = headers;
        isMore = message.seq < newest;
        if (!isMore) break;
      }
    }
  } finally {
    // It would hold trimming back for as long as it is there.
    await link.jsm.consumers.delete(stream, reader.name).catch(() => false);
  }
  return found;
}
