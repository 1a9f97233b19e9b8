import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ExportResultCode } from "@opentelemetry/core";
import { createMetrics } from "../../../../services/shared/metrics.js";
import { SpanQueue } from "../../../../services/shared/trace/otlp/span-queue.js";
import { until } from "../../../support/until.js";

type Ended = Parameters<SpanQueue["onEnd"]>[0];
type Exporter = ConstructorParameters<typeof SpanQueue>[0];
type Done = Parameters<Exporter["export"]>[1];

const TAKEN = { code: ExportResultCode.SUCCESS };
const REFUSED = { code: ExportResultCode.FAILED, error: new Error("no") };
const span = { spanContext: () => ({ traceFlags: 1 }), resource: {} } as unknown as Ended;
const unsampled = { spanContext: () => ({ traceFlags: 0 }), resource: {} } as unknown as Ended;

/** A queue whose collector answers when the test wants. */
function held() {
  const metrics = createMetrics("test");
  const waiting: Done[] = [];
  const news: string[] = [];
  const exporter: Exporter = {
    export: (_spans, done) => void waiting.push(done),
    shutdown: () => Promise.resolve(),
  };
  const queue = new SpanQueue(exporter, metrics, {
    refused: (reason) => news.push(reason),
    taken: () => news.push("taken"),
  });
  const counts = async (): Promise<Record<string, number>> => {
    const { values = [] } = (await metrics.registry.getSingleMetric("trace_spans_total")?.get()) ?? {};
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]));
  };
  return { queue, waiting, news, counts };
}

/** The library waits for answers, and keeps a process alive meanwhile. */
async function answerAll(queue: SpanQueue, waiting: Done[]): Promise<void> {
  while (queue.unsent > 0) {
    waiting.shift()?.(TAKEN);
    await new Promise(setImmediate);
  }
}

describe("the queue of spans", () => {
  it("holds 2048 beside the batch that is under way, and drops and counts the rest", async () => {
    const { queue, waiting, counts } = held();

    for (let index = 0; index < 5_000; index += 1) queue.onEnd(span);
    for (let index = 0; index < 100; index += 1) queue.onEnd(unsampled);

    assert.equal(queue.unsent, 512 + 2_048);
    assert.deepEqual(await counts(), { sent: 0, failed: 0, dropped: 5_000 - 512 - 2_048 });
    await answerAll(queue, waiting);
  });

  it("counts what the collector takes and does not take, and tells when that changes", async () => {
    const { queue, waiting, news, counts } = held();
    for (let index = 0; index < 1_536; index += 1) queue.onEnd(span);

    for (const answer of [REFUSED, REFUSED, TAKEN]) {
      // The library begins the next batch a few promises later.
      await until(() => waiting.length > 0, 30_000, "the next batch");
      waiting.shift()?.(answer);
    }

    assert.deepEqual(news, ["no", "taken"]);
    assert.deepEqual(await counts(), { sent: 512, failed: 1_024, dropped: 0 });
    assert.equal(queue.unsent, 0);
  });
});
