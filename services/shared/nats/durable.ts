/** The shared durable consumer of a topic: made by the first engine, adapted by the next. */
import { AckPolicy, DeliverPolicy, ReplayPolicy, nanos } from "nats";
import type { ConsumerInfo, JetStreamManager } from "nats";
import type { Topic } from "../messaging.js";
import { CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, apiCodeOf } from "./api-errors.js";
import { MAX_ACK_PENDING } from "./limits.js";
import { durableOf, makeTogether } from "./topology.js";

/** Pull requests that may wait at once; cannot be changed later, so it allows for 500 engines. */
const MAX_WAITING = 2_048;

/** The durable as the server has it; undefined if it, or its stream, is absent. */
export async function findDurable(
  jsm: JetStreamManager,
  stream: string,
  topic: Topic,
): Promise<ConsumerInfo | undefined> {
  try {
    return await jsm.consumers.info(stream, durableOf(topic));
  } catch (thrown) {
    const code = apiCodeOf(thrown);
    if (code === CONSUMER_NOT_FOUND || code === STREAM_NOT_FOUND) return undefined;
    throw thrown;
  }
}

/** Makes the durable or brings it to this ack wait. Safe to call from many processes at once. */
export async function ensureDurable(
  jsm: JetStreamManager,
  stream: string,
  topic: Topic,
  ackWaitMs: number,
): Promise<void> {
  // Without a limit of deliveries the ack floor means "all finished", which trimming relies on.
  const owned = { ack_wait: nanos(ackWaitMs), max_ack_pending: MAX_ACK_PENDING, max_deliver: -1 };
  await makeTogether(async () => {
    const existing = await findDurable(jsm, stream, topic);
    if (existing === undefined) {
      await jsm.consumers.add(stream, {
        durable_name: durableOf(topic),
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        replay_policy: ReplayPolicy.Instant,
        max_waiting: MAX_WAITING,
        ...owned,
      });
      return;
    }
    const { config } = existing;
    const isSame =
      config.ack_wait === owned.ack_wait &&
      config.max_ack_pending === owned.max_ack_pending &&
      config.max_deliver === owned.max_deliver;
    if (!isSame) await jsm.consumers.update(stream, durableOf(topic), owned);
  });
}
