import type { ConsumerInfo } from "nats";

/**
 * The sequence up to which a consumer has finished everything.
 *
 * That is its ack floor, unless it has nothing left to do. A server of version 2.9 that was killed may find messages in hand
 * again that are not in the stream any more; it forgets them after the ack wait and leaves the floor below them until the
 * next ack. There is none while the stream is full and waits for being trimmed.
 */
export function finishedUpTo({ ack_floor, delivered, num_pending, num_ack_pending }: ConsumerInfo): number {
  const isIdle = num_pending === 0 && num_ack_pending === 0;
  return isIdle ? Math.max(ack_floor.stream_seq, delivered.stream_seq) : ack_floor.stream_seq;
}
