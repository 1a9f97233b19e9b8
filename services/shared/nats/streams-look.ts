/** What the streams say of every record, by the API of JetStream, which leaders answer. */
import type { StageLook, StreamsLook } from "../streams-look.js";
import type { Topic } from "../messaging.js";
import { finishedUpTo } from "./ack-floor.js";
import { NO_MESSAGE_FOUND, apiCodeOf } from "./api-errors.js";
import { findDurable } from "./durable.js";
import type { Link } from "./link.js";
import type { ParkedCounter } from "./parked-counter.js";
import type { RecordCounter } from "./record-counter.js";
import { streamKindOf, streamName } from "./topology.js";

export interface Counters {
  readonly data: RecordCounter;
  readonly results: RecordCounter;
  readonly parked: ParkedCounter;
}

/** How far a stage is, before its records are counted. */
interface StagePlace {
  readonly floor: number;
  readonly waiting: Omit<StageLook, "records" | "settledRecords">;
}

/**
 * Looks in the order of the path where something must have gone on, and against it where something must
 * have come from: what DATA is done with is in RESULTS by then, and what is parked was in DATA before.
 *
 * @throws NatsError when a stream is missing or the server stays away
 */
export async function lookAtStreams(
  link: Link,
  counters: Counters,
  namespace: string | undefined,
  meanwhile?: () => Promise<void>,
): Promise<StreamsLook> {
  const data = await placeOf(link, "data", namespace);
  const results = await placeOf(link, "results", namespace);
  const [settledData, settledResults] = await Promise.all([
    counters.data.atFloor(data.floor),
    counters.results.atFloor(results.floor),
  ]);
  const crunched = await counters.results.newest();
  await meanwhile?.();
  const parked = await counters.parked.look();
  const published = await counters.data.newest();
  return {
    data: { ...data.waiting, settledRecords: settledData, records: published },
    results: { ...results.waiting, settledRecords: settledResults, records: crunched },
    parked,
  };
}

async function placeOf(link: Link, topic: Topic, namespace: string | undefined): Promise<StagePlace> {
  const stream = streamName(streamKindOf(topic), namespace);
  const durable = await findDurable(link.jsm, stream, topic);
  if (durable === undefined) {
    const { state } = await link.jsm.streams.info(stream);
    const floor = Math.max(0, state.first_seq - 1);
    const oldestUnfinishedAtMs =
      state.messages === 0 ? undefined : await storedAtMs(link, stream, state.first_seq);
    const pendingMessages = state.messages;
    return { floor, waiting: { pendingMessages, unackedMessages: 0, oldestUnfinishedAtMs } };
  }
  const { num_pending: pendingMessages, num_ack_pending: unackedMessages } = durable;
  const isIdle = pendingMessages === 0 && unackedMessages === 0;
  const floor = finishedUpTo(durable);
  const oldestUnfinishedAtMs = isIdle ? undefined : await storedAtMs(link, stream, floor + 1);
  return { floor, waiting: { pendingMessages, unackedMessages, oldestUnfinishedAtMs } };
}

async function storedAtMs(link: Link, stream: string, seq: number): Promise<number | undefined> {
  try {
    return (await link.jsm.streams.getMessage(stream, { seq })).time.getTime();
  } catch (thrown) {
    if (apiCodeOf(thrown) === NO_MESSAGE_FOUND) return undefined;
    throw thrown;
  }
}
