/** What trimming must never touch: messages that somebody has in hand. */
import type { NatsConnection } from "nats";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isPurgeSafe } from "../../services/shared/nats/stream-trim.js";
import { collect } from "../support/collect.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

describe("trimming", () => {
  let nats: NatsServer;
  before(async () => (nats = await NatsServer.start()));
  after(() => nats.stop());

  it("leaves a message that is in hand its next delivery, when its engine is lost behind the trimming", async (t) => {
    const proxy = await TcpProxy.start(nats.port);
    t.after(() => proxy.close());
    const namespace = freshNamespace();
    const options = { namespace, streamMaxBytes: 1_048_576, trimEveryMs: 50 };
    const losing = await connectTest(`nats://127.0.0.1:${String(proxy.port)}`, options);
    const taking = await connectTest(nats.url, options);
    t.after(() => taking.close());
    // More than half of the stream, so that it is trimmed as soon as it is finished.
    const large = { subject: "data", payload: new Uint8Array(600_000), messageId: "large" } as const;
    await taking.publisher.publish(large);
    await taking.publisher.publish({ subject: "data", payload: Uint8Array.of(1), messageId: "in hand" });

    const consuming = { topic: "data", maxInFlight: 4, ackWaitMs: 1_000 } as const;
    const inHand: number[] = [];
    const held = new AbortController();
    const run = (await losing.consumer(consuming)).run((message) => {
      if (message.payload.length > 1) return Promise.resolve();
      inHand.push(message.origin.sequence);
      return new Promise((resolve) => held.signal.addEventListener("abort", () => resolve()));
    }, held.signal);
    await until(
      async () => inHand.length === 1 && (await storedIn(nats, `${namespace}-DATA`)) === 1,
      60_000,
      "the trimming",
    );

    proxy.blackhole();
    const next = collect(await taking.consumer(consuming));
    await until(() => next.messages.length === 1, 60_000, "the next delivery");
    assert.deepEqual([...(next.messages[0]?.payload ?? [])], [1]);
    await next.stop();
    proxy.heal();
    held.abort();
    await run;
    await losing.close();
  });

  it("goes on after a server that was killed has messages in hand again that were trimmed before", async (t) => {
    const killed = await NatsServer.start();
    t.after(() => killed.stop());
    const options = { namespace: freshNamespace(), streamMaxBytes: 1_048_576, trimEveryMs: 50 };
    const consuming = { topic: "data", maxInFlight: 4, ackWaitMs: 1_000 } as const;
    const publishing = await connectTest(killed.url, options);
    for (const [messageId, bytes] of [
      ["trimmed", 1],
      ["large", 600_000],
      ["newest", 1],
    ] as const) {
      await publishing.publisher.publish({ subject: "data", payload: new Uint8Array(bytes), messageId });
    }
    await publishing.consumer(consuming);
    await publishing.close();
    const stream = `${options.namespace}-DATA`;
    const replies = await withClient(killed.url, (nc) => take(nc, stream, 3));
    const state = join(killed.folder, "store/jetstream/$G/streams", stream, "obs/crunch/o.dat");
    const ack = async (nc: NatsConnection, taken: readonly string[]): Promise<void> => {
      for (const reply of taken) nc.publish(reply, "+ACK");
      await nc.flush();
    };

    await killed.terminate();
    const older = readFileSync(state);
    await killed.restart();
    await withClient(killed.url, async (nc) => {
      await ack(nc, replies.slice(0, 1));
      await (await nc.jetstreamManager()).streams.deleteMessage(stream, 1);
    });
    // What it had noted of the consumer before the ack, beside the stream after the trimming.
    await killed.terminate();
    writeFileSync(state, older);
    await killed.restart();
    await withClient(killed.url, (nc) => ack(nc, replies.slice(1)));

    const messaging = await connectTest(killed.url, options);
    t.after(() => messaging.close());
    const run = collect(await messaging.consumer(consuming));
    await until(async () => (await storedIn(killed, stream)) === 1, 20_000, "the trimming");
    await run.stop();
    assert.equal(run.messages.length, 0);
  });

  it("looks again soon after a reconnect, because the stream may have become full meanwhile", async (t) => {
    const proxy = await TcpProxy.start(nats.port);
    t.after(() => proxy.close());
    const namespace = freshNamespace();
    let reconnects = 0;
    const messaging = await connectTest(`nats://127.0.0.1:${String(proxy.port)}`, {
      namespace,
      streamMaxBytes: 1_048_576,
      // The first look comes after 45 s at the earliest; after a reconnect, in 15 s at the latest.
      trimEveryMs: 60_000,
      warn: (_details, text) => (reconnects += Number(text === "connected to NATS again")),
    });
    t.after(() => messaging.close());
    const run = collect(await messaging.consumer({ topic: "data", maxInFlight: 4, ackWaitMs: 1_000 }));
    for (const [messageId, bytes] of [
      ["large", 600_000],
      ["newest", 1],
    ] as const) {
      await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(bytes), messageId });
    }
    await until(() => run.messages.length === 2, 20_000, "both messages");
    proxy.cut();
    await until(() => reconnects === 1, 20_000, "the reconnect");
    await until(async () => (await storedIn(nats, `${namespace}-DATA`)) === 1, 25_000, "the trimming");
    await run.stop();
  });

  it("knows the servers whose purge touches only what is purged", () => {
    for (const version of ["2.9.10", "2.11.17", "2.12.0", "2.12.14", "1.4.1", "", "unknown"]) {
      assert.equal(isPurgeSafe(version), false, version);
    }
    for (const version of ["2.12.15", "2.14.0-beta.1", "2.14.5", "3.0.0"]) {
      assert.equal(isPurgeSafe(version), true, version);
    }
  });
});

/** Takes messages and settles none. @returns where each is acked */
async function take(nc: NatsConnection, stream: string, count: number): Promise<string[]> {
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.crunch`;
  const replies: string[] = [];
  while (replies.length < count) {
    // A message keeps the subject it was stored under, by which the client would not know it for the answer.
    const message = await nc.request(subject, "", { noMux: true, timeout: 5_000 });
    replies.push(message.reply ?? "");
  }
  return replies;
}

/** Messages of a stream. */
function storedIn({ url }: NatsServer, stream: string): Promise<number> {
  return withClient(
    url,
    async (nc) => (await (await nc.jetstreamManager()).streams.info(stream)).state.messages,
  );
}
