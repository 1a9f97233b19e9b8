/** Trimming over three servers while one of them is away. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AckPolicy, connect } from "nats";
import { readerName } from "../../services/shared/nats/consumer-list.js";
import { NatsCluster } from "../support/nats-cluster.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import { until } from "../support/until.js";

const LARGE_BYTES = 600_000;
/** Two elections, then looks at readers whose server is away, which the server takes seconds to answer. */
const STORED_WITHIN_MS = 120_000;

describe("trimming over a cluster", () => {
  let cluster: NatsCluster;
  before(async () => (cluster = await NatsCluster.start()));
  after(() => cluster.stop());

  it("goes on while readers of the stream are missing with their server", async (t) => {
    const namespace = freshNamespace();
    const stream = `${namespace}-DATA`;
    const messaging = await connectTest(cluster.url, {
      namespace,
      streamReplicas: 3,
      streamMaxBytes: 1_048_576,
      trimEveryMs: 100,
    });
    t.after(() => messaging.close());
    const nc = await connect({ servers: cluster.url.split(","), maxReconnectAttempts: -1 });
    t.after(() => nc.close());
    const jsm = await nc.jetstreamManager({ timeout: 8_000 });
    const homes: (string | undefined)[] = [];
    for (let reader = 0; reader < 6; reader += 1) {
      const { cluster: home } = await jsm.consumers.add(stream, {
        name: readerName(),
        ack_policy: AckPolicy.None,
        mem_storage: true,
        num_replicas: 1,
      });
      homes.push(home?.leader);
    }
    const consumer = await messaging.consumer({ topic: "data", maxInFlight: 4, ackWaitMs: 5_000 });
    const away = homes.find((home) => home !== undefined) ?? "";
    t.after(() => cluster.server(away).restart());
    await cluster.server(away).kill();
    await until(async () => (await cluster.leaderOf(stream)) !== undefined, 30_000, "a leader of DATA");

    const stopping = new AbortController();
    const run = consumer.run(() => Promise.resolve(), stopping.signal);
    // There is no room for a second large one until the first is trimmed; the newest of all stays.
    const sequences: number[] = [];
    for (const [index, bytes] of [LARGE_BYTES, 1, LARGE_BYTES, 1].entries()) {
      const confirm = await messaging.publisher.publish(
        { subject: "data", payload: new Uint8Array(bytes), messageId: String(index) },
        AbortSignal.timeout(STORED_WITHIN_MS),
      );
      sequences.push(confirm.sequence);
    }
    stopping.abort();
    await run;
    assert.deepEqual(sequences, [1, 2, 3, 4]);
  });
});
