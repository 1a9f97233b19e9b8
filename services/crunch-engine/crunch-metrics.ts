import type { Counter, Gauge, Histogram, Metrics } from "../shared/metrics.js";
import type { CrunchPool } from "./pool/pool.js";

/** Upper bounds in seconds: from a single of an easy cruncher to a frame of a hard one. */
const DURATION_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600];

/** What a crunch-engine counts. */
export interface CrunchMetrics {
  readonly records: Counter;
  readonly messages: Counter<"kind">;
  readonly failedRecords: Counter<"reason">;
  readonly duration: Histogram;
  readonly threads: Gauge;
  readonly threadsLost: Counter;
}

export function createCrunchMetrics(metrics: Metrics): CrunchMetrics {
  return {
    records: metrics.counter("crunch_records_total", "Records whose result is stored in RESULTS"),
    messages: metrics.counter("crunch_messages_total", "Messages crunched, singles and frames", ["kind"]),
    failedRecords: metrics.counter("crunch_failed_records_total", "Records parked, by reason", ["reason"]),
    duration: metrics.histogram(
      "crunch_duration_seconds",
      "Time that a thread spent on one message",
      DURATION_BUCKETS,
    ),
    threads: metrics.gauge("crunch_threads", "Threads that crunch"),
    threadsLost: metrics.counter(
      "crunch_threads_lost_total",
      "Threads that died or were ended, and replaced",
    ),
  };
}

/** Shows how much a pool has to do, asked when somebody looks. */
export function showJobsInHand(metrics: Metrics, pool: Pick<CrunchPool, "jobsInHand">): void {
  const help = "Messages given to the pool and not yet answered";
  metrics.gauge("crunch_jobs_in_hand", help, [], (gauge) => gauge.set(pool.jobsInHand));
}
