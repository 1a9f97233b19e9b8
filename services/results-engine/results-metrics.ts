import { createHistogram } from "node:perf_hooks";
import type { Metrics } from "../shared/metrics.js";
import type { BatchReport } from "./batcher.js";
import type { Sink, SinkTotals } from "./sinks/sink.js";

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const ROWS_BUCKETS = [1, 10, 100, 1_000, 10_000, 50_000, 100_000, 500_000];
/** Latencies are recorded as whole milliseconds from 1. */
const MAX_LATENCY_MS = 7 * 24 * 3_600_000;

/** What a results-engine tells of itself. */
export interface ResultsMetrics {
  onBatch(report: BatchReport): void;
  totals(): SinkTotals & { readonly latencyP50Ms: number; readonly latencyP99Ms: number };
}

export function createResultsMetrics(metrics: Metrics, sink: Sink): ResultsMetrics {
  const rows = metrics.counter("results_rows_total", "Rows by what became of them.", ["outcome"]);
  const lateRows = metrics.counter("results_late_rows_total", "Rows stored later than LATE_AFTER_MS.");
  const batchRows = metrics.histogram("results_batch_rows", "Rows of a batch.", ROWS_BUCKETS);
  const writeSeconds = metrics.histogram(
    "results_write_duration_seconds",
    "Time that the sink took for a batch.",
    SECONDS_BUCKETS,
  );
  const latencySeconds = metrics.histogram(
    "results_latency_seconds",
    "Time from a message's DTimeStamp until its rows were stored.",
    SECONDS_BUCKETS,
  );
  metrics.gauge("results_sink_paused", "1 while the sink cannot take rows.", [], (gauge) => {
    gauge.set(sink.state().ok ? 0 : 1);
  });
  const latency = createHistogram({ lowest: 1, highest: MAX_LATENCY_MS, figures: 3 });
  const { earlierTotals } = sink;
  const totals = { ...earlierTotals };
  rows.inc({ outcome: "stored" }, earlierTotals.stored);
  rows.inc({ outcome: "repeat" }, earlierTotals.repeats);
  lateRows.inc(earlierTotals.late);
  return {
    onBatch: ({ outcome, rows: rowCount, parts, writeMs, endedAtMs }) => {
      totals.stored += outcome.stored;
      totals.repeats += outcome.repeats;
      totals.late += outcome.late;
      rows.inc({ outcome: "stored" }, outcome.stored);
      rows.inc({ outcome: "repeat" }, outcome.repeats);
      rows.inc({ outcome: "replay" }, outcome.replays);
      rows.inc({ outcome: "rejected" }, outcome.rejected.length);
      lateRows.inc(outcome.late);
      batchRows.observe(rowCount);
      writeSeconds.observe(writeMs / 1_000);
      forEachMessageTime(parts, (dTimeStampUs) => {
        const latencyMs = endedAtMs - Math.floor(Number(dTimeStampUs) / 1_000);
        latencySeconds.observe(latencyMs / 1_000);
        latency.record(Math.min(MAX_LATENCY_MS, Math.max(1, latencyMs)));
      });
    },
    totals: () => ({
      ...totals,
      latencyP50Ms: latency.count === 0 ? 0 : latency.percentile(50),
      latencyP99Ms: latency.count === 0 ? 0 : latency.percentile(99),
    }),
  };
}

/** The DTimeStamp of each message: the rows of a frame share one, singles that came together do not. */
function forEachMessageTime(parts: BatchReport["parts"], tell: (dTimeStampUs: bigint) => void): void {
  for (const { count, dTimeStampsUs } of parts) {
    const first = dTimeStampsUs[0] ?? 0n;
    tell(first);
    if (dTimeStampsUs[count - 1] === first) continue;
    for (let row = 1; row < count; row += 1) tell(dTimeStampsUs[row] ?? 0n);
  }
}
