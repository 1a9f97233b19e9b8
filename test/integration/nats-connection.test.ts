import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { nanos } from "nats";
import type { StreamConfig } from "nats";
import { UserError } from "../../services/shared/errors.js";
import { collect } from "../support/collect.js";
import { open } from "../support/lossless.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

/** The one sentence that a failed connect gives, and the time it took. */
async function refusal(url: string): Promise<string> {
  let end: { thrown: unknown } | undefined;
  connectTest(url).then(
    () => (end = { thrown: undefined }),
    (thrown: unknown) => (end = { thrown }),
  );
  await until(() => end !== undefined, 6_000, "the refusal");
  const thrown = end?.thrown;
  assert.ok(thrown instanceof UserError, `no UserError but ${String(thrown)}`);
  assert.ok(!thrown.message.includes("\n"));
  return thrown.message;
}

const changed = (namespace: string, config: Partial<StreamConfig>) =>
  withClient(server.url, async (nc) => {
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({
      name: `${namespace}-DATA`,
      subjects: [`${namespace}.data`, `${namespace}.data.frame`],
      ...config,
    });
  });

describe("a first connect that fails says why in one sentence", { concurrency: true }, () => {
  test("nobody listens", async () => {
    const sentence = await refusal("nats://127.0.0.1:1");
    assert.match(sentence, /^NATS_URL="nats:\/\/127\.0\.0\.1:1": the connection was refused/);
  });

  test("the host is unknown", async () => {
    assert.match(await refusal("nats://no-such-host.invalid"), /host name is unknown/);
  });

  test("something listens that never answers", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await until(() => silent.listening);
    try {
      const { port } = silent.address() as AddressInfo;
      const sentence = await refusal(`nats://127.0.0.1:${String(port)}`);
      assert.match(sentence, /no answer within 4 s/);
    } finally {
      silent.close();
    }
  });

  test("something listens that is no NATS server", async () => {
    const other = createServer((socket) => socket.end("SSH-2.0-x\r\n")).listen(0, "127.0.0.1");
    await until(() => other.listening);
    const { port } = other.address() as AddressInfo;
    assert.match(await refusal(`nats://127.0.0.1:${String(port)}`), /something else than a NATS server/);
    other.close();
  });

  test("the password is wrong, and it is not shown", async () => {
    const locked = await NatsServer.start({ args: ["--user", "ann", "--pass", "right"] });
    try {
      const where = `127.0.0.1:${String(locked.port)}`;
      const sentence = await refusal(`nats://ann:wr0ng@${where}`);
      assert.match(sentence, /refuses the user or password/);
      assert.ok(!sentence.includes("wr0ng"));
      await (await connectTest(`nats://ann:right@${where}`)).close();
    } finally {
      await locked.stop();
    }
  });

  test("the server has no JetStream", async () => {
    const plain = await NatsServer.start({ jetStream: false });
    try {
      assert.match(await refusal(plain.url), /has no JetStream; start it with: nats-server -js/);
    } finally {
      await plain.stop();
    }
  });

  test("of several servers one that answers is enough", async () => {
    await (await connectTest(`nats://127.0.0.1:1,${server.url}`, { namespace: freshNamespace() })).close();
  });
});

describe("streams and durables", { concurrency: true }, () => {
  test("many engines may make them at the same time", async (t) => {
    const namespace = freshNamespace();
    const all = await Promise.all(Array.from({ length: 8 }, () => open(t, server.url, { namespace })));
    await Promise.all(all.map((one) => one.consumer({ topic: "data", maxInFlight: 1, ackWaitMs: 5_000 })));
  });

  test("a stream keeps what the design says, and takes a new size when an engine comes with one", async () => {
    const namespace = freshNamespace();
    await (await connectTest(server.url, { namespace, streamMaxBytes: 1_000_000 })).close();
    await (await connectTest(server.url, { namespace, streamMaxBytes: 2_000_000 })).close();
    for (const stream of ["DATA", "RESULTS", "PARKED"]) {
      const { config } = await withClient(server.url, async (nc) =>
        (await nc.jetstreamManager()).streams.info(`${namespace}-${stream}`),
      );
      const { storage, retention, discard, max_age, max_bytes, duplicate_window, num_replicas } = config;
      assert.deepEqual(
        { storage, retention, discard, max_age, max_bytes, duplicate_window, num_replicas },
        {
          storage: "file",
          retention: "limits",
          discard: "new",
          max_age: 0,
          max_bytes: 2_000_000,
          duplicate_window: nanos(600_000),
          num_replicas: 1,
        },
      );
    }
  });

  test("a size smaller than what a stream holds is refused, because the server would delete records", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace, streamMaxBytes: 1_000_000 });
    for (const messageId of ["a", "b", "c"]) {
      await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(100_000), messageId });
    }
    await assert.rejects(connectTest(server.url, { namespace, streamMaxBytes: 200_000 }), {
      name: "UserError",
      message: /STREAM_MAX_BYTES=200000: stream .*-DATA holds 300\d\d\d bytes/,
    });
    assert.equal((await messaging.backlog("data")).pendingMessages, 3);
  });

  test("a stream that loses records by its settings is refused with the difference", async () => {
    const namespace = freshNamespace();
    await changed(namespace, { max_age: nanos(60_000), max_msgs: 100 });
    await assert.rejects(connectTest(server.url, { namespace }), {
      name: "UserError",
      message:
        /-DATA exists with other settings .*discard is old, must be new.*max_age is \d+, must be 0.*max_msgs is 100/,
    });
  });

  test("subjects that another stream takes are refused with NAMESPACE as way out", async () => {
    const namespace = freshNamespace();
    await withClient(server.url, async (nc) => {
      await (
        await nc.jetstreamManager()
      ).streams.add({ name: `${namespace}-other`, subjects: [`${namespace}.>`] });
    });
    await assert.rejects(connectTest(server.url, { namespace }), {
      name: "UserError",
      message: /overlap.*NAMESPACE/,
    });
  });

  test("replicas that a single server cannot keep are refused with the setting", async () => {
    await assert.rejects(connectTest(server.url, { namespace: freshNamespace(), streamReplicas: 3 }), {
      name: "UserError",
      message: /^STREAM_REPLICAS=3: /,
    });
  });

  test("the durable takes the ack wait of the engine that came last", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    await messaging.consumer({ topic: "data", maxInFlight: 1, ackWaitMs: 5_000 });
    await messaging.consumer({ topic: "data", maxInFlight: 1, ackWaitMs: 7_000 });
    const { config } = await withClient(server.url, async (nc) =>
      (await nc.jetstreamManager()).consumers.info(`${namespace}-DATA`, "crunch"),
    );
    assert.deepEqual(
      [config.ack_wait, config.max_deliver, config.max_ack_pending, config.max_waiting, config.ack_policy],
      [nanos(7_000), -1, 100_000, 2_048, "explicit"],
    );
  });

  test("two namespaces on one server do not see each other", async (t) => {
    const [one, two] = await Promise.all([open(t, server.url), open(t, server.url)]);
    const seen = collect(await two.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 5_000 }));
    await one.publisher.publish({ subject: "data", payload: new Uint8Array(1), messageId: "same" });
    const confirm = await two.publisher.publish({
      subject: "data",
      payload: new Uint8Array(2),
      messageId: "same",
    });
    assert.equal(confirm.duplicate, false);
    await until(() => seen.messages.length > 0);
    await seen.stop();
    assert.deepEqual(
      seen.messages.map((message) => message.payload.length),
      [2],
    );
    assert.equal((await one.backlog("data")).pendingMessages, 1);
  });

  test("a foreign client's message arrives with its stored instant to the nanosecond", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const stored = await withClient(server.url, async (nc) => {
      await nc.jetstream().publish(`${namespace}.data`, new Uint8Array([1]));
      return await (await nc.jetstreamManager()).streams.getMessage(`${namespace}-DATA`, { seq: 1 });
    });
    const seen = collect(await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 5_000 }));
    await until(() => seen.messages.length > 0);
    await seen.stop();
    const nanosText = /\.(\d+)/.exec(stored.timestamp)?.[1] ?? "0";
    const seconds = BigInt(Math.floor(Date.parse(stored.timestamp) / 1_000));
    const expectedNs = seconds * 1_000_000_000n + BigInt(nanosText.padEnd(9, "0"));
    assert.equal(seen.messages[0]?.origin.storedAtNs, expectedNs);
    assert.deepEqual(seen.messages[0].headers, {});
  });
});
