import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Batcher } from "../../../services/results-engine/batcher.js";
import type { BatchReport } from "../../../services/results-engine/batcher.js";
import type { Batch, Sink, WriteOutcome } from "../../../services/results-engine/sinks/sink.js";
import { EngineError } from "../../../services/shared/errors.js";
import { NO_TRACER } from "../../../services/shared/trace/tracer.js";
import { resultsOf } from "../../support/result-columns.js";
import { until } from "../../support/until.js";

/** A sink whose writes end when the test says so. */
class HeldSink implements Sink {
  readonly description = "held";
  readonly earlierTotals = { stored: 0, repeats: 0, late: 0 };
  readonly lifetimeTotals = undefined;
  readonly maxConcurrentWrites: number;
  readonly writes: { rows: number; end: (outcome: Partial<WriteOutcome> | Error) => void }[] = [];

  constructor(maxConcurrentWrites = 1) {
    this.maxConcurrentWrites = maxConcurrentWrites;
  }

  write(batch: Batch): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      const end = (outcome: Partial<WriteOutcome> | Error): void => {
        if (outcome instanceof Error) reject(outcome);
        else resolve({ stored: batch.rows, repeats: 0, replays: 0, late: 0, rejected: [], ...outcome });
      };
      this.writes.push({ rows: batch.rows, end });
    });
  }

  state(): { ok: boolean; detail: string } {
    return { ok: true, detail: "" };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function batcherOf(
  sink: Sink,
  limits: { maxRows?: number; maxWaitMs?: number } = {},
): { batcher: Batcher; reports: BatchReport[] } {
  const reports: BatchReport[] = [];
  const batcher = new Batcher({
    sink,
    limits: { maxRows: 4, maxBytes: 1_000_000, maxMessages: 100, maxWaitMs: 3_600_000, ...limits },
    signal: new AbortController().signal,
    onBatch: (report) => void reports.push(report),
    tracer: NO_TRACER,
    sinkKind: "test",
  });
  return { batcher, reports };
}

const rows = (count: number): ReturnType<typeof resultsOf> =>
  resultsOf(Array.from({ length: count }, (_, index) => ({ ID: BigInt(index) })));

describe("Batcher", () => {
  it("writes a batch whose time is over also when the clock is set back meanwhile", async (t) => {
    let stepMs = 0;
    const nowMs = Date.now.bind(Date);
    t.mock.method(Date, "now", () => nowMs() + stepMs);
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink, { maxWaitMs: 200 });
    const adding = batcher.add(rows(1), 10);
    stepMs = -3_600_000;
    await until(() => sink.writes.length === 1, 60_000, "the write");
    sink.writes[0]?.end({});
    await adding;
  });

  it("resolves a message only after the batch it is in was stored", async () => {
    const sink = new HeldSink();
    const { batcher, reports } = batcherOf(sink);
    let settled = 0;
    const both = [batcher.add(rows(2), 10), batcher.add(rows(2), 10)].map((added) =>
      added.then(() => (settled += 1)),
    );

    assert.equal(sink.writes.length, 1);
    await Promise.resolve();
    assert.equal(settled, 0);
    sink.writes[0]?.end({});
    await Promise.all(both);
    assert.equal(reports[0]?.rows, 4);
  });

  it("lets the next batch grow while the sink is busy", async () => {
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink, { maxRows: 3 });
    const added = [3, 1, 1, 1, 1].map((count) => batcher.add(rows(count), 10));
    assert.deepEqual(
      sink.writes.map((write) => write.rows),
      [3],
    );

    sink.writes[0]?.end({});
    await added[0];
    assert.deepEqual(
      sink.writes.map((write) => write.rows),
      [3, 3],
    );
    batcher.drain();
    sink.writes[1]?.end({});
    await until(() => sink.writes.length === 3);
    sink.writes[2]?.end({});
    await Promise.all(added);
  });

  it("writes as many batches at once as the sink allows", () => {
    const sink = new HeldSink(2);
    const { batcher } = batcherOf(sink);
    for (let message = 0; message < 3; message += 1) void batcher.add(rows(4), 10);

    assert.equal(sink.writes.length, 2);
  });

  it("writes a batch that is not full after maxWaitMs", async () => {
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink, { maxWaitMs: 5 });
    const added = batcher.add(rows(1), 10);

    assert.equal(sink.writes.length, 0);
    await until(() => sink.writes.length === 1, 60_000, "the timer");
    sink.writes[0]?.end({});
    await added;
  });

  it("waits for nothing once it drains", async () => {
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink);
    const before = batcher.add(rows(1), 10);
    batcher.drain();
    assert.equal(sink.writes.length, 1);
    sink.writes[0]?.end({});
    await before;
    void batcher.add(rows(1), 10);
    assert.equal(sink.writes.length, 2);
  });

  it("gives every member of a batch the error of the sink, and goes on", async () => {
    const sink = new HeldSink();
    const { batcher, reports } = batcherOf(sink);
    const failing = [batcher.add(rows(2), 10), batcher.add(rows(2), 10)];
    sink.writes[0]?.end(new EngineError("sink_failed", "retry", "no room"));

    for (const added of failing) await assert.rejects(added, /no room/);
    assert.equal(reports.length, 0);
    void batcher.add(rows(4), 10);
    assert.equal(sink.writes.length, 2);
  });

  it("asks a sink that is broken for good no more", async () => {
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink);
    const written = batcher.add(rows(4), 10);
    const waiting = [batcher.add(rows(4), 10), batcher.add(rows(1), 10)];
    sink.writes[0]?.end(new EngineError("sink_broken", "stop", "file gone"));

    for (const added of [written, ...waiting]) await assert.rejects(added, /file gone/);
    await assert.rejects(batcher.add(rows(4), 10), /file gone/);
    assert.equal(sink.writes.length, 1);
  });

  it("tells each message its own rejected rows", async () => {
    const sink = new HeldSink();
    const { batcher } = batcherOf(sink);
    const added = [batcher.add(rows(2), 10), batcher.add(rows(2), 10)];
    sink.writes[0]?.end({ stored: 3, rejected: [{ part: 1, row: 0, reason: "no such day" }] });

    assert.deepEqual(await Promise.all(added), [[], [{ row: 0, reason: "no such day" }]]);
  });
});
