/** What the fault tests share: traffic through a fault, and the check that nothing was lost or doubled. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { NatsOptions } from "../../services/shared/nats/connection.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { collect } from "./collect.js";
import { connectTest, freshNamespace } from "./nats-fixture.js";
import { until } from "./until.js";

/** Messaging that is closed when the test ends, however it ends. */
export async function open(
  t: TestContext,
  url: string,
  options: Partial<NatsOptions> = {},
): Promise<NatsMessaging> {
  const messaging = await connectTest(url, { namespace: freshNamespace(), ...options });
  t.after(() => messaging.close());
  return messaging;
}

const idOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** Publishes ids without end, `window` at once, until stopped; keeps those that were confirmed. */
function publishOn(messaging: NatsMessaging, window: number) {
  const confirmed = new Set<string>();
  let next = 0;
  let isStopped = false;
  const lane = async (): Promise<void> => {
    while (!isStopped) {
      const id = `m${String(next++)}`;
      const payload = new TextEncoder().encode(id);
      await messaging.publisher.publish({ subject: "data", payload, messageId: id });
      confirmed.add(id);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const lanes = Promise.all(Array.from({ length: window }, lane));
  // Reported by stop(), unless the test fails before.
  lanes.catch(() => undefined);
  return {
    confirmed,
    stop: async (): Promise<void> => {
      isStopped = true;
      await lanes;
    },
  };
}

/** Publishes and consumes while `fault` happens; then every confirmed message must have been handled. */
export async function lossless(
  messaging: NatsMessaging,
  fault: (progress: { confirmed: () => number; handled: () => number }) => Promise<void>,
): Promise<void> {
  const handled = new Set<string>();
  const sequences = new Map<string, number>();
  const seen = collect(
    await messaging.consumer({ topic: "data", maxInFlight: 20, ackWaitMs: 2_000 }),
    (message) => {
      const id = idOf(message.payload);
      handled.add(id);
      assert.equal(
        sequences.get(id) ?? message.origin.sequence,
        message.origin.sequence,
        `${id} is stored twice`,
      );
      sequences.set(id, message.origin.sequence);
      return Promise.resolve();
    },
  );
  const published = publishOn(messaging, 50);
  await until(() => handled.size > 200, 60_000, "messages flow");
  await fault({ confirmed: () => published.confirmed.size, handled: () => handled.size });
  await published.stop();
  await until(
    () => [...published.confirmed].every((id) => handled.has(id)),
    60_000,
    "every confirmed message handled",
  );
  await until(
    async () => (await messaging.backlog("data")).unackedMessages === 0,
    60_000,
    "every message acked",
  );
  await seen.stop();
  assert.equal((await messaging.backlog("data")).lastSequence, published.confirmed.size);
}
