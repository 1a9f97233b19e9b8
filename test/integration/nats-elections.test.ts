/** Engines that start while a cluster is choosing its leaders. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { NatsCluster } from "../support/nats-cluster.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import { until } from "../support/until.js";

const CONSUMER = { topic: "data", maxInFlight: 1, ackWaitMs: 5_000 } as const;
const LEADER_MS = 30_000;

describe("engines that start while a cluster has no leader", () => {
  let cluster: NatsCluster;
  before(async () => (cluster = await NatsCluster.start()));
  after(() => cluster.stop());

  it("make their streams and durables together on a new cluster", async (t) => {
    const options = { namespace: freshNamespace(), streamReplicas: 3 };
    const engines = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const messaging = await connectTest(cluster.url, options);
        t.after(() => messaging.close());
        return messaging;
      }),
    );
    await Promise.all(engines.map((engine) => engine.consumer(CONSUMER)));
  });

  it("wait for the leader, and stop when they are asked to", async (t) => {
    const [first = "", second = "", third = ""] = cluster.names;
    const lonely = cluster.server(first).url;
    const others = [second, third].map((name) => cluster.server(name));
    // One of three can choose no leader.
    for (const other of others) await other.kill();

    const stopping = new AbortController();
    const told: string[] = [];
    const options = { namespace: freshNamespace(), streamReplicas: 3 };
    const waiting = connectTest(lonely, { ...options, warn: (_details, text) => told.push(text) });
    const stopped = connectTest(lonely, { ...options, signal: stopping.signal });
    await until(() => told.length > 0, LEADER_MS, "a word about the wait");
    assert.match(told[0] ?? "", /no leader yet/);
    stopping.abort();
    await assert.rejects(stopped, { code: "stopped_waiting" });

    for (const other of others) await other.restart();
    const messaging = await waiting;
    t.after(() => messaging.close());
    await messaging.consumer(CONSUMER);
  });
});
