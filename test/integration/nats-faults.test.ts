import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { collect } from "../support/collect.js";
import { lossless, open } from "../support/lossless.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

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
        60_000,
        "recovery",
      );
    }
  });
});

test("a clock that is set back by an hour holds nothing up when the server comes back", async (t) => {
  const messaging = await open(t, server.url);
  await lossless(messaging, async ({ confirmed, handled }) => {
    const nowMs = Date.now.bind(Date);
    t.mock.method(Date, "now", () => nowMs() - 3_600_000);
    await server.kill();
    await until(() => !messaging.state().ok);
    await server.restart();
    const [confirmedBefore, handledBefore] = [confirmed(), handled()];
    const isFlowing = (): boolean => confirmed() > confirmedBefore + 100 && handled() > handledBefore + 100;
    await until(isFlowing, 60_000, "recovery");
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
  await until(async () => (await messaging.backlog("data")).unackedMessages === 0, 60_000, "acked");
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
