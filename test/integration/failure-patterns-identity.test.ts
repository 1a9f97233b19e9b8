/** How systems of this kind take one record for another, or for news; see `support/failure-patterns.ts`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createCrunchMetrics } from "../../services/crunch-engine/crunch-metrics.js";
import { runCrunchPipeline } from "../../services/crunch-engine/pipeline.js";
import { RecordFrameEncoder, encodeRecord } from "../../services/shared/codec/record-codec.js";
import { createMetrics } from "../../services/shared/metrics.js";
import { nanos } from "nats";
import { Parker } from "../../services/shared/parking.js";
import { NO_TRACER } from "../../services/shared/trace/tracer.js";
import { InlinePool } from "../support/crunch-pipeline.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { open } from "../support/lossless.js";
import { freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

describe("the identity of records", () => {
  const folder = tempFolder();
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(async () => {
    await server.stop();
    folder.remove();
  });

  it("results of a stream that was made again are not taken for those of its predecessor", async (t) => {
    const namespace = freshNamespace();
    for (const data of [10n, 20n]) {
      const messaging = await open(t, server.url, { namespace });
      const { publisher } = messaging;
      const payload = encodeRecord(data, data, "");
      const { sequence } = await publisher.publish({ subject: "data", payload, messageId: String(data) });
      assert.equal(sequence, 1, "both have the same place in streams of the same name");
      const controller = new AbortController();
      const ended = runCrunchPipeline(
        {
          consumer: await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 2_000 }),
          pool: new InlinePool(),
          publisher,
          parker: new Parker(publisher, "test"),
          parkGiveUp: controller.signal,
          cruncher: { name: "identity", version: "1" },
          metrics: createCrunchMetrics(createMetrics("test")),
          tracer: NO_TRACER,
        },
        controller.signal,
      );
      const isAcked = async (): Promise<boolean> => {
        const { pendingMessages, unackedMessages } = await messaging.backlog("data");
        return pendingMessages + unackedMessages === 0;
      };
      await until(isAcked, 60_000, "the record crunched");
      controller.abort();
      await ended;
      assert.equal((await messaging.backlog("results")).lastSequence, Number(data / 10n));
      await messaging.close();
      await withClient(server.url, async (nc) => {
        await (await nc.jetstreamManager()).streams.delete(`${namespace}-DATA`);
      });
    }
  });

  it("records sent again after the dedupe window is over are repeats, and once in the table", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const path = join(folder.path, "outage.duckdb");
    const env = {
      NATS_URL: server.url,
      NAMESPACE: namespace,
      CRUNCHER: "identity",
      SINK: `duckdb:${path}`,
      THREADS: "1",
    };
    const engines = ["engine", "results"].map((name) => new CrunchProcess([name], env));
    t.after(() => engines.forEach((engine) => engine.kill("SIGKILL")));
    for (const engine of engines) await engine.started();
    // The shortest window that a server takes: any outage is longer.
    await withClient(server.url, async (nc) => {
      const { streams } = await nc.jetstreamManager();
      for (const kind of ["DATA", "RESULTS"]) {
        await streams.update(`${namespace}-${kind}`, { duplicate_window: nanos(100) });
      }
    });
    const encoder = new RecordFrameEncoder();
    for (let id = 0n; id < 100n; id += 1n) encoder.add(id, id * 2n, "");
    const frame = { subject: "data.frame", payload: encoder.finish(), messageId: "frame" } as const;
    await messaging.publisher.publish(frame);
    await until(async () => !(await messaging.publisher.publish(frame)).duplicate, 60_000, "forgotten id");
    const isDone = async (): Promise<boolean> => {
      const waiting = await Promise.all([messaging.backlog("data"), messaging.backlog("results")]);
      return waiting.every(({ pendingMessages, unackedMessages }) => pendingMessages + unackedMessages === 0);
    };
    await until(isDone, 60_000, "all stored");
    for (const engine of engines) engine.kill("SIGTERM");
    await Promise.all(engines.map((engine) => engine.exited));

    const totals = engines[1]?.stopped;
    assert.deepEqual([totals?.stored, totals?.repeats], [100, 100]);
    const rows = await queryDuckDb(
      path,
      "select count(*) n, count(distinct ID) ids, sum(RData) sum from results",
    );
    assert.deepEqual([rows[0]?.n, rows[0]?.ids, String(rows[0]?.sum)], [100n, 100n, "9900"]);
  });
});
