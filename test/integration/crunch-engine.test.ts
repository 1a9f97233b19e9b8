import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decodeResults } from "../../services/shared/codec/result-codec.js";
import { HEADER } from "../../services/shared/messaging.js";
import type { Subject } from "../../services/shared/messaging.js";
import { CrunchProcess } from "../support/engine-process.js";
import { frameOf, singleOf } from "../support/jobs.js";
import { connectTest, storedPayloads } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { recordsWith, troublesomePool } from "../support/troublesome-pool.js";
import { until } from "../support/until.js";

describe("a crunch-engine on a real server", () => {
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(() => nats.stop());

  function start(namespace: string, env: Record<string, string> = {}): CrunchProcess {
    return new CrunchProcess(["engine"], {
      NATS_URL: nats.url,
      NAMESPACE: namespace,
      CRUNCHER: troublesomePool.cruncher,
      RESEND_AFTER_MS: "1000",
      THREADS: "2",
      ...env,
    });
  }

  async function publish(namespace: string, messages: readonly [Subject, Uint8Array][]): Promise<void> {
    const messaging = await connectTest(nats.url, { namespace });
    for (const [index, [subject, payload]] of messages.entries()) {
      await messaging.publisher.publish({ subject, payload, messageId: `m${String(index)}` });
    }
    await messaging.close();
  }

  it("answers singles and frames, parks what fails, names its totals and exits 0 on SIGTERM", async () => {
    const namespace = "totals";
    const engine = start(namespace, { CRUNCH_TIMEOUT_MS: "500" });
    const line = await engine.started();
    assert.deepEqual(
      [line.cruncher, line.cruncherVersion, line.threads],
      ["troublesome.mjs", "troublesome-1", 2],
    );

    await publish(namespace, [
      ["data.frame", frameOf(recordsWith({ 2: "throw", 5: "for-ever", 9: "exit" })).payload],
      ["data", singleOf({ id: 1n, data: 7n }).payload],
      ["data", Uint8Array.of(0xff)],
      ["data.frame", frameOf(recordsWith({})).payload],
    ]);
    await until(async () => (await engine.metric("crunch_records_total")) === 38, 60_000, "38 results");
    await until(async () => (await engine.metric("crunch_failed_records_total")) === 4, 60_000, "4 failures");
    assert.equal(await engine.metric("crunch_threads"), 2);
    assert.equal(await engine.metric("crunch_failed_records_total", 'reason="timed_out"'), 1);
    engine.kill("SIGTERM");

    assert.deepEqual(await engine.exited, { code: 0, signal: null });
    assert.deepEqual([engine.stopped?.crunched, engine.stopped?.parked], [38, 4]);
    const frames = await storedPayloads(nats.url, `${namespace}-RESULTS`, `${namespace}.results.frame`);
    const counts = frames.map((payload) => decodeResults(payload, true).count).sort((a, b) => a - b);
    assert.deepEqual(counts, [17, 20]);
    const messaging = await connectTest(nats.url, { namespace });
    assert.equal(await messaging.parkedMessages(), 4);
    const last = await messaging.lastHeaders("parked.data");
    assert.ok(last?.[HEADER.reason] !== undefined);
    await messaging.close();
  });

  it("stores each result once although an engine is killed in mid-frame", async () => {
    const namespace = "killed";
    const slow = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [index, "slow:30"]));
    const first = start(namespace);
    await first.started();
    await publish(
      namespace,
      Array.from({ length: 6 }, () => ["data.frame", frameOf(recordsWith(slow)).payload] as const).map(
        ([subject, payload]) => [subject, payload],
      ),
    );
    await until(async () => (await first.metric("crunch_records_total")) >= 20, 60_000, "the first frame");
    first.kill("SIGKILL");
    await first.exited;

    const second = start(namespace);
    const stored = (): Promise<Uint8Array[]> =>
      storedPayloads(nats.url, `${namespace}-RESULTS`, `${namespace}.results.frame`);
    await until(async () => (await stored()).length >= 6, 30_000, "6 result frames");
    const messaging = await connectTest(nats.url, { namespace });
    await until(async () => (await messaging.backlog("data")).unackedMessages === 0, 60_000, "every ack");
    await messaging.close();
    second.kill("SIGTERM");
    await second.exited;

    assert.equal((await stored()).length, 6);
  });

  it("drains in time although PARKED is full: what it cannot park stays unacked", async () => {
    const namespace = "full";
    const engine = start(namespace, { STREAM_MAX_BYTES: "1048576", DRAIN_MS: "3000" });
    await engine.started();
    const messaging = await connectTest(nats.url, { namespace, streamMaxBytes: 1_048_576 });
    const filler = { subject: "parked.data", payload: new Uint8Array(1_048_000), messageId: "f" } as const;
    await messaging.publisher.publish(filler);
    const frame = frameOf(recordsWith({ 3: "throw" })).payload;
    await messaging.publisher.publish({ subject: "data.frame", payload: frame, messageId: "m" });
    await until(async () => (await messaging.backlog("data")).unackedMessages === 1, 60_000, "the frame");
    engine.kill("SIGTERM");

    assert.deepEqual(await engine.exited, { code: 0, signal: null });
    assert.equal((await messaging.backlog("data")).unackedMessages, 1);
    await messaging.close();
  });
});
