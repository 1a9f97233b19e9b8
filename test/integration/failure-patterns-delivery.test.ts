/** How systems of this kind lose or double messages between broker and engine; see `support/failure-patterns.ts`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runResultsPipeline } from "../../services/results-engine/pipeline.js";
import { Batcher } from "../../services/results-engine/batcher.js";
import type { Sink } from "../../services/results-engine/sinks/sink.js";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { EngineError } from "../../services/shared/errors.js";
import { Parker } from "../../services/shared/parking.js";
import { NO_TRACER } from "../../services/shared/trace/tracer.js";
import { collect } from "../support/collect.js";
import { CrunchProcess } from "../support/engine-process.js";
import { open } from "../support/lossless.js";
import { freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { fixture } from "../support/troublesome-pool.js";
import { until } from "../support/until.js";

const ackWaitMs = 1_000;

/** Deliveries of all messages so far, also those that our side takes for known and ignores. */
function deliveriesOf(url: string, stream: string, durable: string): Promise<number> {
  return withClient(url, async (nc) => {
    const { delivered } = await (await nc.jetstreamManager()).consumers.info(stream, durable);
    return delivered.consumer_seq;
  });
}

describe("between NATS and the engines", { concurrency: true }, () => {
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(() => server.stop());

  it("a batch that takes three times the ack wait is written once and its messages come once", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const writes: number[] = [];
    const sink: Sink = {
      description: "slow",
      maxConcurrentWrites: 1,
      earlierTotals: { stored: 0, repeats: 0, late: 0 },
      lifetimeTotals: undefined,
      write: async ({ rows }) => {
        writes.push(rows);
        await until(() => isOver(), 60_000);
        return { stored: rows, repeats: 0, replays: 0, late: 0, rejected: [] };
      },
      state: () => ({ ok: true, detail: "slow" }),
      close: () => Promise.resolve(),
    };
    const startMs = performance.now();
    const isOver = (): boolean => performance.now() - startMs > 3 * ackWaitMs;
    const controller = new AbortController();
    const limits = { maxRows: 2, maxBytes: 1_000, maxMessages: 2, maxWaitMs: 60_000 };
    const batcher = new Batcher({
      sink,
      limits,
      signal: controller.signal,
      onBatch: () => undefined,
      tracer: NO_TRACER,
      sinkKind: "test",
    });
    for (const id of ["a", "b"]) {
      const payload = encodeRecord(1n, 2n, id);
      await messaging.publisher.publish({ subject: "results", payload, messageId: id });
    }
    const parker = new Parker(messaging.publisher, "test");
    const consumer = await messaging.consumer({ topic: "results", maxInFlight: 10, ackWaitMs });
    const parkGiveUp = controller.signal;
    const ended = runResultsPipeline(
      { consumer, batcher, parker, parkGiveUp, tracer: NO_TRACER },
      controller.signal,
    );
    await until(async () => isOver() && (await messaging.backlog("results")).unackedMessages === 0, 60_000);
    controller.abort();
    await ended;

    assert.deepEqual(writes, [2]);
    assert.equal(await deliveriesOf(server.url, `${namespace}-RESULTS`, "results"), 2);
  });

  it("a message that always fails comes again ever more slowly, never in a hot loop", async (t) => {
    const messaging = await open(t, server.url);
    await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(9), messageId: "x" });
    const timesMs: number[] = [];
    // Long: what comes again is what was refused, and not what a busy machine was slow to refuse.
    const patient = { topic: "data", maxInFlight: 10, ackWaitMs: 60_000 } as const;
    const seen = collect(await messaging.consumer(patient), () => {
      timesMs.push(performance.now());
      return Promise.reject(new EngineError("busy", "retry", "never"));
    });
    await until(() => timesMs.length === 4, 60_000);
    await seen.stop();

    const waitsMs = timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? 0));
    for (const [index, atLeastMs] of [450, 950, 1_950].entries()) {
      assert.ok((waitsMs[index] ?? 0) > atLeastMs, `waits of ${waitsMs.map(Math.round).join(", ")} ms`);
    }
  });

  it("a cruncher that blocks its thread for three ack waits gets its record once, as heartbeats go on", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const engine = new CrunchProcess(["engine"], {
      NATS_URL: server.url,
      NAMESPACE: namespace,
      CRUNCHER: fixture("blocks-3s.mjs"),
      THREADS: "1",
      RESEND_AFTER_MS: String(ackWaitMs),
    });
    t.after(() => engine.kill("SIGKILL"));
    await engine.started();
    for (const id of [1n, 2n]) {
      const payload = encodeRecord(id, 1n, "");
      await messaging.publisher.publish({ subject: "data", payload, messageId: String(id) });
    }
    await until(async () => (await messaging.backlog("results")).lastSequence === 2, 30_000, "both results");
    await until(async () => (await messaging.backlog("data")).unackedMessages === 0, 60_000, "both acked");
    engine.kill("SIGTERM");
    await engine.exited;

    assert.equal(await deliveriesOf(server.url, `${namespace}-DATA`, "crunch"), 2);
    assert.equal(engine.stopped?.crunched, 2);
  });

  it("a message that cannot be parked is not acked: it waits for room and is parked then", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const parked = `${namespace}-PARKED`;
    const limitParked = (max_bytes: number): Promise<unknown> =>
      withClient(server.url, async (nc) =>
        (await nc.jetstreamManager()).streams.update(parked, { max_bytes }),
      );
    await limitParked(1);
    await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(9), messageId: "poison" });
    const seen = collect(await messaging.consumer({ topic: "data", maxInFlight: 10, ackWaitMs }), () =>
      Promise.reject(new EngineError("undecodable", "park", "no record")),
    );
    await until(() => messaging.publisher.blockedBy() !== undefined, 60_000, "parking is held back");
    // An engine that ends gives it back instead of forgetting it.
    await seen.stop();
    assert.equal(await messaging.parkedMessages(), 0);
    const { pendingMessages, unackedMessages } = await messaging.backlog("data");
    assert.equal(pendingMessages + unackedMessages, 1, "acked although it is not parked");

    await limitParked(1_000_000);
    const again = collect(await messaging.consumer({ topic: "data", maxInFlight: 10, ackWaitMs }), () =>
      Promise.reject(new EngineError("undecodable", "park", "no record")),
    );
    await until(async () => (await messaging.parkedMessages()) === 1, 60_000, "parked");
    await until(async () => (await messaging.backlog("data")).unackedMessages === 0, 60_000, "acked");
    await again.stop();
  });
});
