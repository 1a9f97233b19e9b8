import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError } from "../../services/shared/errors.js";
import { MemoryMessaging } from "../../services/shared/memory/memory-messaging.js";
import { messagingContract } from "../contract/messaging-contract.js";
import { collect } from "../support/collect.js";
import { until } from "../support/until.js";

messagingContract("memory", (options) => {
  const messaging = new MemoryMessaging(options);
  return Promise.resolve({
    messaging,
    store: messaging.parkedStore,
    parkedPayloads: (topic) =>
      Promise.resolve(
        messaging
          .parked()
          .filter((stored) => stored.subject === `parked.${topic}`)
          .map((stored) => stored.payload),
      ),
    close: () => messaging.close(),
  });
});

test("an id is forgotten when the dedupe window is over", async () => {
  let nowMs = 1_000_000;
  const messaging = new MemoryMessaging({ now: () => nowMs, dedupeWindowMs: 10_000 });
  const message = { subject: "data", payload: new Uint8Array(3), messageId: "a" } as const;
  assert.equal((await messaging.publisher.publish(message)).duplicate, false);
  nowMs += 9_999;
  assert.equal((await messaging.publisher.publish(message)).duplicate, true);
  nowMs += 1;
  assert.deepEqual(await messaging.publisher.publish(message), {
    stream: "DATA",
    sequence: 2,
    duplicate: false,
  });
});

test("a message left by a stop comes again when the ack wait is over on the given clock", async () => {
  let nowMs = 1_000_000;
  const messaging = new MemoryMessaging({ now: () => nowMs });
  await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(3), messageId: "a" });
  const consumer = await messaging.consumer({ topic: "data", maxInFlight: 1, ackWaitMs: 30_000 });
  const stopped = consumer.run(
    () => Promise.reject(new EngineError("x", "stop", "x")),
    new AbortController().signal,
  );
  await assert.rejects(stopped);
  const next = collect(consumer);
  nowMs += 29_999;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(next.messages.length, 0);
  nowMs += 1;
  await until(() => next.messages.length === 1);
  await next.stop();
  assert.equal(next.messages[0]?.origin.deliveries, 2);
});
