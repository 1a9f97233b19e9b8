import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { HEADER } from "../../services/shared/messaging.js";
import { CrunchProcess } from "../support/engine-process.js";
import { InputFolder } from "../support/file-rows.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

describe("data-engine", () => {
  const input = new InputFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    input.remove();
  });
  const start = (env: Readonly<Record<string, string>>): CrunchProcess =>
    new CrunchProcess(["data"], { NATS_URL: nats.url, ...env }, input.path);

  it("says what it reads, publishes it, parks what is no record, and ends", async () => {
    const NAMESPACE = freshNamespace();
    input.write("bad.csv", "n,v\n1,10\n2,oops\n3,30\n4,4,4\n");
    const engine = start({ NAMESPACE, SOURCE: "file:bad.csv?id=n&data=v" });
    const { code } = await engine.exited;

    assert.equal(code, 0, engine.stderr);
    const line = await engine.started();
    assert.equal(line.source, "file:bad.csv?id=n&data=v");
    assert.equal(line.resumedAt, 0);
    assert.match(String(line.runId), /^[\w-]{12}$/);
    const { published, parked, ended } = engine.stopped ?? {};
    assert.deepEqual({ published, parked, ended }, { published: 4, parked: 2, ended: 1 });
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    assert.equal(await messaging.parkedMessages(), 2);
    assert.equal((await messaging.lastHeaders("data.frame"))?.[HEADER.records], "2");
    const parkedHeaders = await messaging.lastHeaders("parked.data");
    assert.equal(parkedHeaders?.[HEADER.reason], "bad_row");
    await messaging.close();
  });

  it("says what is wrong with SOURCE before it looks for NATS", async () => {
    const engine = start({ NATS_URL: "nats://127.0.0.1:1", SOURCE: "file:absent.csv?data=v" });
    const { code } = await engine.exited;

    assert.equal(code, 2);
    assert.match(
      engine.stderr,
      /^SOURCE="file:absent\.csv\?data=v": absent\.csv cannot be read: no such file\n$/,
    );
  });

  it("lists every wrong setting with its limits", async () => {
    const engine = start({ FRAME_MAX_RECORDS: "0", RUN_ID: "a b", PUBLISH_WINDOW: "many" });
    const { code } = await engine.exited;

    assert.equal(code, 2);
    assert.match(engine.stderr, /FRAME_MAX_RECORDS="0": must be a whole number from 1 to 10000/);
    assert.match(engine.stderr, /RUN_ID="a b": must be 1 to 64 letters/);
    assert.match(engine.stderr, /PUBLISH_WINDOW="many"/);
  });

  it("goes on where it was when started again with its RUN_ID, and publishes nothing twice", async () => {
    const NAMESPACE = freshNamespace();
    const env = { NAMESPACE, RUN_ID: "again", SOURCE: "synthetic:?count=360000&rate=60000" };
    const first = start(env);
    await until(
      async () => (await first.metric("data_confirmed_position")) > 10_000,
      60_000,
      "10,000 records",
    );
    first.kill("SIGKILL");
    await first.exited;
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    // A client that is not ours has sent the newest frame.
    const frame = { subject: "data.frame", payload: new Uint8Array(), messageId: "foreign" } as const;
    await messaging.publisher.publish(frame);
    const second = start(env);
    const { code } = await second.exited;

    assert.equal(code, 0, second.stderr);
    const resumedAt = Number((await second.started()).resumedAt);
    assert.ok(resumedAt > 0 && resumedAt < 360_000, String(resumedAt));
    assert.equal(second.stopped?.published, 360_000);
    // A tick of 10 ms is 600 records, one frame; each is stored once, whoever sent it.
    assert.equal((await messaging.backlog("data")).lastSequence, 601);
    await messaging.close();
  });

  it("goes on where it was though none of its frames is stored any more", async () => {
    const NAMESPACE = freshNamespace();
    const env = { NAMESPACE, RUN_ID: "trimmed", SOURCE: "synthetic:?count=360000&rate=60000" };
    const first = start(env);
    await until(
      async () => (await first.metric("data_confirmed_position")) > 15_000,
      60_000,
      "15,000 records",
    );
    const confirmed = await first.metric("data_confirmed_position");
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    const noted = async (): Promise<number> =>
      Number((await messaging.notes.read("run.trimmed"))?.value ?? 0);
    await until(async () => (await noted()) >= confirmed, 60_000, "the note");
    first.kill("SIGKILL");
    await first.exited;
    await withClient(nats.url, async (nc) => {
      await (await nc.jetstreamManager()).streams.purge(`${NAMESPACE}-DATA`);
    });

    const second = start(env);
    assert.ok(Number((await second.started()).resumedAt) >= confirmed);
    assert.equal((await second.exited).code, 0);
    assert.equal(second.stopped?.published, 360_000);
    await messaging.close();
  });

  it("starts from the beginning under another RUN_ID", async () => {
    const NAMESPACE = freshNamespace();
    for (const RUN_ID of ["one", "two"]) {
      const engine = start({ NAMESPACE, RUN_ID, SOURCE: "synthetic:?count=5000" });
      await engine.exited;
      assert.equal((await engine.started()).resumedAt, 0);
    }
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    assert.equal((await messaging.backlog("data")).lastSequence, 6);
    await messaging.close();
  });

  it("waits with SOURCE=nothing until it is told to stop, and says so", async () => {
    const engine = start({ NAMESPACE: freshNamespace(), SOURCE: "nothing" });
    await engine.started();
    assert.equal(await engine.metric("data_source_expected_records"), 0);
    assert.equal(engine.ended, false);
    engine.kill("SIGTERM");
    const { code } = await engine.exited;

    assert.equal(code, 0, engine.stdout);
    assert.equal(engine.stopped?.ended, 0);
  });

  it("tells Prometheus how far it is", async () => {
    const engine = start({ NAMESPACE: freshNamespace(), SOURCE: "synthetic:?count=1000000&rate=20000" });
    await until(async () => (await engine.metric("data_records_published_total")) > 1_000, 60_000, "records");
    assert.equal(await engine.metric("data_source_expected_records"), 1_000_000);
    assert.equal(await engine.metric("data_source_ended"), 0);
    assert.equal(await engine.metric("data_publish_blocked"), 0);
    assert.ok((await engine.metric("data_frames_published_total")) > 4);
    engine.kill("SIGTERM");
    assert.equal((await engine.exited).code, 0);
  });
});

describe("data-engine over a full stream", () => {
  it("holds the source back and says why", async () => {
    const nats = await NatsServer.start();
    const env = { NATS_URL: nats.url, SOURCE: "synthetic:", STREAM_MAX_BYTES: "1048576" };
    const engine = new CrunchProcess(["data"], env);
    await until(async () => (await engine.metric("data_publish_blocked")) === 1, 60_000, "a full stream");
    const position = await engine.metric("data_confirmed_position");
    assert.ok(position > 0 && position < 200_000, String(position));
    assert.ok((await engine.metric("data_frames_in_flight")) <= 64);
    engine.kill("SIGKILL");
    await engine.exited;
    await nats.stop();
  });
});
