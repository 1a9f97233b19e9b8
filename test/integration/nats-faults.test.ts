import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import type { NatsOptions } from "../../services/shared/nats/connection.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { collect } from "../support/collect.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

/** Messaging that is closed when the test ends, however it ends. */
async function open(t: TestContext, url: string, options: Partial<NatsOptions> = {}): Promise<NatsMessaging> {
  const messaging = await connectTest(url, { namespace: freshNamespace(), ...options });
  t.after(() => messaging.close());
  return messaging;
}

/** A proxy in front of the server, closed when the test ends. */
async function openProxy(t: TestContext): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  t.after(() => proxy.close());
  return proxy;
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
async function lossless(
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
  await until(() => handled.size > 200, 10_000, "messages flow");
  await fault({ confirmed: () => published.confirmed.size, handled: () => handled.size });
  await published.stop();
  await until(
    () => [...published.confirmed].every((id) => handled.has(id)),
    10_000,
    "every confirmed message handled",
  );
  await until(
    async () => (await messaging.backlog("data")).unackedMessages === 0,
    10_000,
    "every message acked",
  );
  await seen.stop();
  assert.equal((await messaging.backlog("data")).lastSequence, published.confirmed.size);
}

test("a server that is killed and restarted twice loses and doubles nothing", async (t) => {
  const messaging = await open(t, server.url);
  await lossless(messaging, async ({ confirmed, handled }) => {
    for (let round = 0; round < 2; round += 1) {
      await server.kill();
      await until(() => !messaging.state().ok);
      assert.match(messaging.publisher.blockedBy() ?? "", /not connected/);
      await server.restart();
      const [confirmedBefore, handledBefore] = [confirmed(), handled()];
      await until(
        () => confirmed() > confirmedBefore + 100 && handled() > handledBefore + 100,
        10_000,
        "recovery",
      );
    }
  });
});

test("a message id is known after a server was killed", async (t) => {
  const messaging = await open(t, server.url);
  const message = { subject: "data", payload: new Uint8Array(9), messageId: "once" } as const;
  const first = await messaging.publisher.publish(message);
  const seen = collect(await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 2_000 }));
  await until(() => seen.messages.length === 1);
  await seen.stop();
  await server.kill();
  const again = messaging.publisher.publish(message);
  await server.restart();
  assert.deepEqual(await again, { ...first, duplicate: true });
});

test("an ack that falls into an outage is sent after it", async (t) => {
  const messaging = await open(t, server.url);
  await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(9), messageId: "x" });
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const seen = collect(
    await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 30_000 }),
    () => finished,
  );
  await until(() => seen.messages.length === 1);
  await server.kill();
  await until(() => !messaging.state().ok);
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  await server.restart();
  await until(() => messaging.state().ok);
  await until(async () => (await messaging.backlog("data")).unackedMessages === 0, 5_000, "acked");
  await seen.stop();
  assert.equal(seen.messages.length, 1);
});

test("a server that stands still for 3 s loses nothing, and all goes on within 5 s", async (t) => {
  const messaging = await open(t, server.url);
  await lossless(messaging, async ({ confirmed, handled }) => {
    server.pause();
    const pausedMs = performance.now();
    await until(() => performance.now() - pausedMs > 3_000);
    server.resume();
    const [confirmedBefore, handledBefore] = [confirmed(), handled()];
    await until(
      () => confirmed() > confirmedBefore + 100 && handled() > handledBefore + 100,
      5_000,
      "recovery",
    );
  });
});

test("connections that are reset lose nothing", async (t) => {
  const proxy = await openProxy(t);
  const messaging = await open(t, `nats://127.0.0.1:${String(proxy.port)}`);
  await lossless(messaging, async ({ confirmed, handled }) => {
    for (let round = 0; round < 3; round += 1) {
      proxy.cut();
      await until(() => !messaging.state().ok);
      await until(() => messaging.state().ok);
      const [confirmedBefore, handledBefore] = [confirmed(), handled()];
      await until(
        () => confirmed() > confirmedBefore + 50 && handled() > handledBefore + 50,
        10_000,
        "recovery",
      );
    }
  });
});

test("a link that swallows everything for 6 s loses nothing, and all goes on within 10 s of healing", async (t) => {
  const proxy = await openProxy(t);
  const messaging = await open(t, `nats://127.0.0.1:${String(proxy.port)}`);
  await lossless(messaging, async ({ confirmed, handled }) => {
    proxy.blackhole();
    const blackMs = performance.now();
    await until(() => performance.now() - blackMs > 6_000);
    assert.match(messaging.publisher.blockedBy() ?? "", /does not answer|not connected/);
    proxy.heal();
    const [confirmedBefore, handledBefore] = [confirmed(), handled()];
    await until(
      () => confirmed() > confirmedBefore + 50 && handled() > handledBefore + 50,
      10_000,
      "recovery",
    );
  });
});

test("a durable that somebody deleted is made again, and nothing is lost", async (t) => {
  const namespace = freshNamespace();
  const told: string[] = [];
  const warn = (_details: unknown, text: string): unknown => told.push(text);
  const messaging = await open(t, server.url, { namespace, warn });
  await lossless(messaging, async ({ handled }) => {
    await withClient(server.url, async (nc) => {
      await (await nc.jetstreamManager()).consumers.delete(`${namespace}-DATA`, "crunch");
    });
    const handledBefore = handled();
    await until(() => handled() > handledBefore + 50, 10_000, "recovery");
  });
  assert.ok(told.includes(`consumer crunch of ${namespace}-DATA is gone; making it again`));
});

test("a stream that somebody deleted ends the run with a sentence", async (t) => {
  const namespace = freshNamespace();
  const messaging = await open(t, server.url, { namespace });
  const run = collect(await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 2_000 }));
  await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(9), messageId: "x" });
  await until(() => run.messages.length === 1);
  await withClient(server.url, async (nc) => {
    await (await nc.jetstreamManager()).streams.delete(`${namespace}-DATA`);
  });
  await assert.rejects(run.ended, { code: "stream_gone", action: "stop", message: /-DATA was deleted/ });
});

test("a publish that the user may not make ends with the subject", async (t) => {
  const namespace = freshNamespace();
  // Streams are made by a user who may; the engine's user may not publish data.
  const users = `{ user: admin, password: a }, { user: poor, password: p, permissions: { publish: { deny: "${namespace}.data" } } }`;
  const locked = await NatsServer.start({ config: `authorization { users: [ ${users} ] }` });
  t.after(() => locked.stop());
  const messaging = await open(t, `nats://poor:p@127.0.0.1:${String(locked.port)}`, { namespace });
  const message = { subject: "data", payload: new Uint8Array(9), messageId: "x" } as const;
  await assert.rejects(messaging.publisher.publish(message), {
    code: "not_permitted",
    action: "stop",
    message: new RegExp(`${namespace}\\.data`),
  });
  await messaging.publisher.publish({ ...message, subject: "data.frame" });
});
