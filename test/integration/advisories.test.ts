import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AckPolicy, RetentionPolicy, nanos } from "nats";
import { parseFilter } from "../../services/parked/parked-filter.js";
import { replay } from "../../services/parked/replay.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { entriesIn } from "../contract/parked-store-contract.js";
import { collect } from "../support/collect.js";
import { singleOf } from "../support/jobs.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

const PAYLOAD = singleOf({ id: 9n, data: 9n }).payload;

describe("a message that the server will not deliver again", () => {
  let nats: NatsServer;
  const connections: NatsMessaging[] = [];
  before(async () => (nats = await NatsServer.start()));
  after(async () => {
    for (const each of connections) await each.close();
    await nats.stop();
  });

  async function connected(options: Parameters<typeof connectTest>[1]): Promise<NatsMessaging> {
    const messaging = await connectTest(nats.url, options);
    connections.push(messaging);
    return messaging;
  }

  /** Somebody gives our durable a limit of deliveries, and uses it up; or terminates the message. */
  async function abandon(namespace: string | undefined, end: "max_deliver" | "term"): Promise<void> {
    const stream = namespace === undefined ? "DATA" : `${namespace}-DATA`;
    await withClient(nats.url, async (nc) => {
      const jsm = await nc.jetstreamManager();
      const limited = { ack_policy: AckPolicy.Explicit, ack_wait: nanos(60_000), max_deliver: 1 };
      await jsm.consumers.add(stream, { durable_name: "crunch", ...limited });
      const consumer = await nc.jetstream().consumers.get(stream, "crunch");
      const message = await consumer.next({ expires: 60_000 });
      assert.ok(message !== null);
      if (end === "term") message.term();
      else message.nak();
      // The server notices that it may not deliver again when it is asked for more.
      for (let next = await consumer.next({ expires: 1_000 }); next !== null;) {
        next.ack();
        next = await consumer.next({ expires: 1_000 });
      }
    });
  }

  function publish(messaging: NatsMessaging, messageId: string): Promise<unknown> {
    return messaging.publisher.publish({ subject: "data", payload: PAYLOAD, messageId });
  }

  for (const [end, reason] of [
    ["max_deliver", "max_deliveries"],
    ["term", "msg_terminated"],
  ] as const) {
    it(`is listed as ${reason} before any engine runs, and replayed`, async () => {
      const namespace = freshNamespace();
      const messaging = await connected({ namespace });
      await publish(messaging, "m");
      await abandon(namespace, end);
      await until(async () => (await messaging.parkedMessages()) === 1, 60_000, "the advisory");

      const [entry] = await entriesIn(messaging.parkedStore);
      assert.deepEqual(
        [entry?.reason, entry?.topic, entry?.subject, [...(entry?.payload ?? [])]],
        [reason, "data", "data", [...PAYLOAD]],
      );
      assert.deepEqual(entry?.origin, { stream: `${namespace}-DATA`, sequence: 1, deliveries: 1 });
      const parts = {
        store: messaging.parkedStore,
        publisher: messaging.publisher,
        lastHeaders: messaging.lastHeaders.bind(messaging),
      };
      const counts = await replay(parts, parseFilter({}, Date.now()));
      assert.equal(counts.replayed, 1);
      assert.deepEqual(await entriesIn(messaging.parkedStore), []);
      assert.equal((await messaging.backlog("data")).lastSequence, 2);
    });
  }

  it("is copied once before its stream is trimmed, however many engines see it", async () => {
    // Without a namespace, as most pipelines are.
    const options = { trimEveryMs: 50, streamMaxBytes: 1_048_576 };
    const first = await connected(options);
    const second = await connected(options);
    await publish(first, "m1");
    // More than half of the stream, so that the next round trims whatever the ack floor has passed.
    const filler = { subject: "data", payload: new Uint8Array(600_000), messageId: "m2" } as const;
    await first.publisher.publish(filler);
    await abandon(undefined, "max_deliver");
    await until(async () => (await first.parkedMessages()) === 1, 60_000, "the advisory");
    const consuming = { topic: "data", maxInFlight: 4, ackWaitMs: 1_000 } as const;
    const running = [collect(await first.consumer(consuming)), collect(await second.consumer(consuming))];
    // An ack floor that stalls below such a message moves on with the next ack.
    await publish(first, "m3");

    const isTrimmed = async () =>
      await withClient(nats.url, async (nc) => {
        const { state } = await (await nc.jetstreamManager()).streams.info("DATA");
        // The newest message may stay.
        return state.first_seq > 1;
      });
    await until(isTrimmed, 60_000, "trimming");
    const entries = await entriesIn(first.parkedStore);
    assert.deepEqual(
      entries.map(({ reason, engine, payload }) => [reason, engine, [...payload]]),
      [["max_deliveries", "test-engine", [...PAYLOAD]]],
    );
    assert.equal(await first.parkedMessages(), 2, "the advisory and one copy");
    for (const each of running) await each.stop();
  });

  it("is still told of when its stream no longer has it", async () => {
    const namespace = freshNamespace();
    const messaging = await connected({ namespace });
    await publish(messaging, "m");
    await abandon(namespace, "max_deliver");
    await until(async () => (await messaging.parkedMessages()) === 1, 60_000, "the advisory");
    await withClient(nats.url, async (nc) =>
      (await nc.jetstreamManager()).streams.purge(`${namespace}-DATA`),
    );

    const [entry] = await entriesIn(messaging.parkedStore);
    assert.deepEqual(
      [entry?.reason, entry?.subject, entry?.payload.length],
      ["max_deliveries", undefined, 0],
    );
    assert.match(entry?.error ?? "", /the stream no longer has it$/);
  });

  it("is no news when it was finished and trimmed while the server had it for one more delivery", async () => {
    const namespace = freshNamespace();
    const messaging = await connected({ namespace });
    await publish(messaging, "m");
    await abandon(namespace, "term");
    await until(async () => (await messaging.parkedMessages()) === 1, 60_000, "the advisory");
    await withClient(nats.url, async (nc) =>
      (await nc.jetstreamManager()).streams.purge(`${namespace}-DATA`),
    );

    assert.deepEqual(await entriesIn(messaging.parkedStore), []);
  });

  it("is caught in a stream that an older version made", async () => {
    const namespace = freshNamespace();
    await withClient(nats.url, async (nc) =>
      (await nc.jetstreamManager()).streams.add({
        name: `${namespace}-PARKED`,
        subjects: [`${namespace}.parked.data`, `${namespace}.parked.results`],
        retention: RetentionPolicy.Limits,
        discard: "new" as never,
        max_bytes: 16_777_216,
        duplicate_window: nanos(600_000),
      }),
    );
    const messaging = await connected({ namespace });
    await publish(messaging, "m");
    await abandon(namespace, "max_deliver");
    await until(async () => (await messaging.parkedMessages()) === 1, 60_000, "the advisory");
  });

  it("leaves engines running where another stream keeps the advisories, and they say so", async () => {
    const audited = await NatsServer.start();
    await withClient(audited.url, async (nc) => {
      const jsm = await nc.jetstreamManager();
      await jsm.streams.add({ name: "AUDIT", subjects: ["$JS.EVENT.ADVISORY.>"] });
    });
    const warnings: string[] = [];
    const messaging = await connectTest(audited.url, { warn: (_details, message) => warnings.push(message) });
    await publish(messaging, "m");

    assert.match(warnings.join("\n"), /another stream keeps the advisories/);
    assert.deepEqual(await entriesIn(messaging.parkedStore), []);
    await messaging.close();
    await audited.stop();
  });
});
