/** Single messages of a stream: a stretch read through a consumer that leaves no trace, or one removed. */
import { AckPolicy, DeliverPolicy, ReplayPolicy, nanos } from "nats";
import type { JetStreamManager, JsMsg } from "nats";
import { NO_MESSAGE_FOUND, apiCodeOf } from "./api-errors.js";
import { readerName } from "./consumer-list.js";
import type { Link } from "./link.js";

/** Messages in hand at once: with the largest allowed payload 64 MiB. */
const CHUNK_MESSAGES = 64;
/** The same where payloads stay at the server. */
const CHUNK_HEADERS = 100;
/** Longest wait for the next messages; they are there, so this passes only while the link is down. */
const CHUNK_MS = 5_000;
/** The server removes a consumer that its reader forgot. */
const FORGOTTEN_AFTER_MS = 30_000;

export interface Stretch {
  readonly stream: string;
  readonly fromSequence: number;
  /** Nothing later is read. */
  readonly toSequence: number;
  /** Subject, with wildcards. Default: all. */
  readonly filter?: string;
  /** Leave the payloads at the server. Default false. */
  readonly headersOnly?: boolean;
}

/**
 * Reads what is stored. A broken connection in the middle makes it go on where it was.
 *
 * @throws NatsError when the stream is gone or the server stays away
 */
export async function* readStretch(link: Link, stretch: Stretch): AsyncGenerator<JsMsg, void, undefined> {
  let { fromSequence } = stretch;
  while (fromSequence <= stretch.toSequence) {
    fromSequence = yield* readOnce(link, { ...stretch, fromSequence });
  }
}

/** @returns where to go on: beyond the stretch at its end, before that if messages stayed out */
async function* readOnce(
  link: Link,
  { stream, filter, headersOnly, fromSequence, toSequence }: Stretch,
): AsyncGenerator<JsMsg, number, undefined> {
  const { consumers } = link.jsm;
  const reader = await consumers.add(stream, {
    name: readerName(),
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: fromSequence,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
    mem_storage: true,
    num_replicas: 1,
    ...(filter !== undefined && { filter_subject: filter }),
    ...(headersOnly === true && { headers_only: true }),
  });
  let next = fromSequence;
  try {
    const consumer = link.nc.jetstream().consumers.getPullConsumerFor(reader);
    for (let left = reader.num_pending; left > 0 && next <= toSequence;) {
      const max_messages = Math.min(headersOnly === true ? CHUNK_HEADERS : CHUNK_MESSAGES, left);
      let taken = 0;
      for await (const message of await consumer.fetch({ max_messages, expires: CHUNK_MS })) {
        taken += 1;
        next = message.seq + 1;
        if (message.seq <= toSequence) yield message;
      }
      left -= taken;
      if (taken < max_messages) return next;
    }
    return toSequence + 1;
  } finally {
    await consumers.delete(stream, reader.name).catch(() => false);
  }
}

/** Removes one message; one that is gone already stays gone. */
export async function removeMessage(jsm: JetStreamManager, stream: string, seq: number): Promise<void> {
  try {
    await jsm.streams.deleteMessage(stream, seq, false);
  } catch (thrown) {
    if (apiCodeOf(thrown) === undefined || (await isStored(jsm, stream, seq))) throw thrown;
  }
}

async function isStored(jsm: JetStreamManager, stream: string, seq: number): Promise<boolean> {
  try {
    await jsm.streams.getMessage(stream, { seq });
    return true;
  } catch (thrown) {
    if (apiCodeOf(thrown) === NO_MESSAGE_FOUND) return false;
    throw thrown;
  }
}
