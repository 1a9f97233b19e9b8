import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { collect } from "../support/collect.js";
import { lossless, open } from "../support/lossless.js";
import { freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

/** A proxy in front of the server, closed when the test ends. */
async function openProxy(t: TestContext): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server.port);
  t.after(() => proxy.close());
  return proxy;
}

describe("broken links, deletions and refusals", { concurrency: true }, () => {
  test("connections that are reset lose nothing", async (t) => {
    const proxy = await openProxy(t);
    let reconnects = 0;
    const messaging = await open(t, `nats://127.0.0.1:${String(proxy.port)}`, {
      warn: (_details, text) => (reconnects += Number(text === "connected to NATS again")),
    });
    await lossless(messaging, async ({ confirmed, handled }) => {
      for (let round = 0; round < 3; round += 1) {
        proxy.cut();
        await until(() => reconnects > round, 60_000, "reconnect");
        const [confirmedBefore, handledBefore] = [confirmed(), handled()];
        await until(
          () => confirmed() > confirmedBefore + 50 && handled() > handledBefore + 50,
          60_000,
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
      const isKnown = (): boolean =>
        /does not answer|not connected/.test(messaging.publisher.blockedBy() ?? "");
      await until(isKnown, 60_000, "a publisher that knows");
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
      await until(() => handled() > handledBefore + 50, 60_000, "recovery");
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

  test("a user who may not take messages or ack them ends the run with the subject", async (t) => {
    const namespace = freshNamespace();
    for (const denied of [
      `$JS.API.CONSUMER.MSG.NEXT.${namespace}-DATA.crunch`,
      `$JS.ACK.${namespace}-DATA.>`,
    ]) {
      const users = `{ user: poor, password: p, permissions: { publish: { deny: "${denied}" } } }`;
      const locked = await NatsServer.start({ config: `authorization { users: [ ${users} ] }` });
      t.after(() => locked.stop());
      const messaging = await open(t, `nats://poor:p@127.0.0.1:${String(locked.port)}`, { namespace });
      await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(9), messageId: "x" });
      const run = collect(await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 2_000 }));
      await assert.rejects(run.ended, { code: "not_permitted", action: "stop", message: /\$JS\./ });
    }
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
});
