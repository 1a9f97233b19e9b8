/**
 * Advisories of the server about a message of ours that it will not deliver again: somebody gave the
 * durable a limit of deliveries, or terminated the message. Its ack floor passes such a message as
 * if it were finished, so that trimming would remove it. PARKED keeps the advisories; engines put
 * the original bytes in their place before they trim.
 */
import type { JetStreamManager, StoredMsg } from "nats";
import { recordsOf } from "../codec/entry-count.js";
import type { Topic } from "../messaging.js";
import { parkedIdOf } from "../parking.js";
import type { Parker } from "../parking.js";
import type { OpenSubject, ParkedItem } from "../parked-item.js";
import { traceOf } from "../trace/trace-context.js";
import { NO_MESSAGE_FOUND, STREAM_NOT_FOUND, apiCodeOf } from "./api-errors.js";
import { toRecord } from "./headers.js";
import type { Link } from "./link.js";
import { readStretch, removeMessage } from "./stream-reader.js";
import { advisorySubject, durableOf, streamName } from "./topology.js";

/** Longest that parking a copy may take: a full stream must not hold trimming up for good. */
const COPY_MS = 5_000;

const ADVISORY_START = "$JS.EVENT.ADVISORY.";

/** What is read of an advisory. */
interface Advisory {
  readonly timestamp: string;
  readonly stream: string;
  readonly consumer: string;
  readonly stream_seq: number;
  readonly deliveries: number;
}

export function isAdvisory(subject: string): boolean {
  return subject.startsWith(ADVISORY_START);
}

/**
 * The message behind an advisory as an item to be parked; without bytes if it is gone. Undefined for one
 * that was terminated and is gone: that is what a server says of a finished message that was trimmed
 * while it was on its way to be delivered once more.
 */
export async function itemOfAdvisory(
  jsm: JetStreamManager,
  subject: string,
  payload: Uint8Array,
): Promise<ParkedItem | undefined> {
  const advisory = JSON.parse(new TextDecoder().decode(payload)) as Advisory;
  const { stream, consumer, stream_seq: sequence, deliveries } = advisory;
  const topic: Topic = consumer === durableOf("results") ? "results" : "data";
  const isTerminated = subject.startsWith(`${ADVISORY_START}CONSUMER.MSG_TERMINATED.`);
  const what = isTerminated
    ? `another client terminated it after ${String(deliveries)} deliveries`
    : `delivered ${String(deliveries)} times and never settled; consumer ${consumer} of ${stream} has a max_deliver`;
  const { original, streamCreatedAt } = await originalOf(jsm, advisory);
  const storedAtNs = original === undefined ? 0n : nanosOf(original.timestamp);
  const origin = { stream, streamCreatedAt, sequence, deliveries, storedAtNs };
  const item = {
    topic,
    reason: isTerminated ? "msg_terminated" : "max_deliveries",
    id: parkedIdOf(origin),
    origin,
  };
  if (original === undefined) {
    if (isTerminated) return undefined;
    return { ...item, payload: new Uint8Array(), error: `${what}; the stream no longer has it` };
  }
  const isFrame = original.subject.endsWith(".frame");
  const open: OpenSubject = isFrame ? `${topic}.frame` : topic;
  const { header, data } = original;
  const headers = toRecord(header);
  const records = recordsOf({ isFrame, headers, payload: data });
  return { ...item, subject: open, payload: data, error: what, records, trace: traceOf(headers) };
}

async function originalOf(
  jsm: JetStreamManager,
  { stream, stream_seq: seq, timestamp }: Advisory,
): Promise<{ original: StoredMsg | undefined; streamCreatedAt: string }> {
  let streamCreatedAt = "";
  try {
    streamCreatedAt = (await jsm.streams.info(stream)).created;
    // A stream that was made anew since then has another message under this number.
    if (Date.parse(streamCreatedAt) > Date.parse(timestamp)) return { original: undefined, streamCreatedAt };
    return { original: await jsm.streams.getMessage(stream, { seq }), streamCreatedAt };
  } catch (thrown) {
    const code = apiCodeOf(thrown);
    if (code !== NO_MESSAGE_FOUND && code !== STREAM_NOT_FOUND) throw thrown;
    return { original: undefined, streamCreatedAt };
  }
}

/** Nanoseconds since the epoch of an instant as servers write it: UTC, up to nine digits of a second. */
function nanosOf(timestamp: string): bigint {
  const fraction = /\.(\d{1,9})/.exec(timestamp)?.[1] ?? "";
  const seconds = BigInt(Date.parse(timestamp.replace(`.${fraction}`, ""))) / 1_000n;
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Puts original messages in the place of their advisories. */
export class AdvisoryCopier {
  readonly #link: Link;
  readonly #parker: Parker;
  readonly #parked: string;
  readonly #filter: string;

  constructor(link: Link, parker: Parker, topic: Topic, namespace: string | undefined) {
    this.#link = link;
    this.#parker = parker;
    this.#parked = streamName("PARKED", namespace);
    this.#filter = advisorySubject("*", topic, namespace);
  }

  /**
   * Resolves once every message that an advisory tells of is parked. What several engines copy at once
   * is kept once.
   *
   * @throws anything while the server, or room in PARKED, is missing
   */
  async copyAll(signal: AbortSignal): Promise<void> {
    const { jsm } = this.#link;
    const { state } = await jsm.streams.info(this.#parked, { subjects_filter: this.#filter });
    if (Object.keys(state.subjects ?? {}).length === 0) return;
    const stretch = {
      stream: this.#parked,
      fromSequence: 1,
      toSequence: state.last_seq,
      filter: this.#filter,
    };
    for await (const { subject, data, seq } of readStretch(this.#link, stretch)) {
      const item = await itemOfAdvisory(jsm, subject, data);
      const giveUp = AbortSignal.any([signal, AbortSignal.timeout(COPY_MS)]);
      if (item !== undefined) await this.#parker.park(item, giveUp);
      await removeMessage(jsm, this.#parked, seq);
    }
  }
}
