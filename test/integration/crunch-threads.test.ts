import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CrunchProcess } from "../support/engine-process.js";
import { frameOf } from "../support/jobs.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import { NatsServer } from "../support/nats-server.js";
import { entriesIn } from "../contract/parked-store-contract.js";
import { tempFolder } from "../support/temp-folder.js";
import { fixture, recordsWith, troublesomePool } from "../support/troublesome-pool.js";
import { until } from "../support/until.js";

/** Records of a frame, and threads of the engine. */
const COUNT = 20;
const THREADS = "2";
/** A tenth of a second each for both threads together: more than a paused test could miss. */
const FRAMES = 200;

describe("the threads of a crunch-engine", () => {
  let nats: NatsServer;
  const running: { engine: CrunchProcess; messaging: NatsMessaging }[] = [];
  before(async () => (nats = await NatsServer.start()));
  after(async () => {
    for (const { engine, messaging } of running) {
      engine.kill("SIGKILL");
      await engine.exited;
      await messaging.close();
    }
    await nats.stop();
  });

  async function start(cruncher: string, env: Record<string, string> = {}, namespace = freshNamespace()) {
    const engine = new CrunchProcess(["engine"], {
      NATS_URL: nats.url,
      NAMESPACE: namespace,
      CRUNCHER: cruncher,
      THREADS,
      ...env,
    });
    await engine.started();
    const messaging = await connectTest(nats.url, { namespace, streamMaxBytes: 2 ** 30 });
    running.push({ engine, messaging });
    return { engine, messaging };
  }

  for (const [trouble, reason, lost, error, env] of [
    ["for-ever", "timed_out", 1, /^no RData within CRUNCH_TIMEOUT_MS=400$/, { CRUNCH_TIMEOUT_MS: "400" }],
    ["never-resolves", "timed_out", 1, /CRUNCH_TIMEOUT_MS=400/, { CRUNCH_TIMEOUT_MS: "400" }],
    ["exit", "killed_thread", 2, /^2 threads died of this record/, {}],
    [
      "out-of-memory",
      "killed_thread",
      2,
      /more than THREAD_MAX_MEMORY_MB=64$/,
      { THREAD_MAX_MEMORY_MB: "64" },
    ],
  ] as const) {
    it(`are replaced in a living engine, and only the record at fault is parked: ${trouble}`, async () => {
      const { engine, messaging } = await start(troublesomePool.cruncher, env);
      const { pid } = engine;
      for (const [messageId, troubles] of [["bad", { 7: trouble }] as const, ["good", {}] as const]) {
        const { payload } = frameOf(recordsWith(troubles, COUNT));
        await messaging.publisher.publish({ subject: "data.frame", payload, messageId });
      }
      const crunched = async (): Promise<boolean> =>
        (await engine.metric("crunch_records_total")) === 2 * COUNT - 1;
      await until(crunched, 30_000, "every neighbour");

      const parked = await entriesIn(messaging.parkedStore);
      assert.deepEqual(
        parked.map((entry) => entry.reason),
        [reason],
      );
      assert.match(parked[0]?.error ?? "", error);
      assert.equal(await engine.metric("crunch_threads_lost_total"), lost);
      assert.deepEqual([engine.ended, engine.pid], [false, pid]);
      const { payload } = frameOf(recordsWith({}, COUNT));
      await messaging.publisher.publish({ subject: "data.frame", payload, messageId: "after" });
      await until(async () => (await engine.metric("crunch_records_total")) === 3 * COUNT - 1, 60_000);
    });
  }

  it("end their engine when one cannot be replaced, and what it had goes to the next", async (t) => {
    const folder = tempFolder();
    t.after(() => folder.remove());
    const deadThreads = join(folder.path, "dead");
    const namespace = freshNamespace();
    const env = { THREADS: "1", RESEND_AFTER_MS: "2000" };
    const preload = `--require=${fixture("threads-die-early.cjs")}`;
    const dying = { ...env, NODE_OPTIONS: preload, DEAD_THREADS: deadThreads };
    const { engine, messaging } = await start(troublesomePool.cruncher, dying, namespace);
    writeFileSync(deadThreads, "");
    const { payload } = frameOf(recordsWith({ 7: "exit" }, COUNT));
    await messaging.publisher.publish({ subject: "data.frame", payload, messageId: "bad" });
    await until(() => engine.ended, 30_000, "the end of the engine");
    assert.equal((await engine.exited).code, 1);
    assert.match(engine.stdout, /another could not be started in its place/);

    const next = await start(troublesomePool.cruncher, env, namespace);
    const crunched = async () => (await next.engine.metric("crunch_records_total")) === COUNT - 1;
    await until(crunched, 30_000, "every neighbour");
  });

  it("leave the main thread free: its event loop lags less than 100 ms while all of them are busy", async () => {
    const { engine, messaging } = await start(fixture("busy-100us.mjs"));
    const lag = (): Promise<number> => engine.metric("nodejs_eventloop_lag_p99_seconds");
    const { payload } = frameOf(recordsWith({}, 2_000));
    const publishing = Promise.all(
      Array.from({ length: FRAMES }, (_, index) =>
        messaging.publisher.publish({ subject: "data.frame", payload, messageId: String(index) }),
      ),
    );
    await until(async () => (await engine.metric("crunch_records_total")) >= 4_000, 60_000, "flow");
    // A reading ends its interval: this one keeps the start of the engine out of the next.
    await lag();
    const answered = async (): Promise<number> => (await messaging.backlog("results")).lastSequence;
    const before_ = await answered();
    await until(async () => (await answered()) >= before_ + 30, 60_000, "30 further frames of results");
    const seconds = await lag();
    await publishing;

    assert.ok((await answered()) < FRAMES, "all was crunched before the end of the interval");
    assert.ok(seconds > 0 && seconds < 0.1, `it lagged ${String(seconds)} s`);
  });
});
