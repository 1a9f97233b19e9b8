import type { Counter, Gauge, Metrics } from "../shared/metrics.js";
import type { PipelineObserver } from "./pipeline.js";

/** What a data-engine counts. */
export interface DataMetrics extends PipelineObserver {
  readonly published: Counter;
  readonly frames: Counter;
  readonly badRows: Counter<"reason">;
  readonly framesInFlight: Gauge;
  readonly confirmedPosition: Gauge;
  readonly expectedRecords: Gauge;
  readonly sourceEnded: Gauge;
}

/** @param fromPosition where the run goes on; counted as published, by whoever did it */
export function createDataMetrics(metrics: Metrics, fromPosition: number): DataMetrics {
  const published = metrics.counter(
    "data_records_published_total",
    "Rows of the source whose frame is stored or that are parked, since the start of the run",
  );
  const frames = metrics.counter("data_frames_published_total", "Frames stored in DATA");
  const badRows = metrics.counter("data_bad_rows_total", "Rows parked because they are no records", [
    "reason",
  ]);
  const framesInFlight = metrics.gauge("data_frames_in_flight", "Frames sent and not yet confirmed");
  const confirmedPosition = metrics.gauge(
    "data_confirmed_position",
    "Every row of the source before this one is published or parked",
  );
  let counted = 0;
  const moveTo = (position: number): void => {
    published.inc(position - counted);
    counted = position;
    confirmedPosition.set(position);
  };
  moveTo(fromPosition);
  return {
    published,
    frames,
    badRows,
    framesInFlight,
    confirmedPosition,
    expectedRecords: metrics.gauge(
      "data_source_expected_records",
      "Rows in the source; 0 if that is not known beforehand",
    ),
    sourceEnded: metrics.gauge("data_source_ended", "1 once every row of the source is confirmed, else 0"),
    sending: (inFlight) => framesInFlight.set(inFlight),
    confirmed: (frame, position, inFlight) => {
      if (frame.payload !== undefined) frames.inc();
      for (const row of frame.unfit) badRows.inc({ reason: row.code });
      framesInFlight.set(inFlight);
      moveTo(position);
    },
  };
}
