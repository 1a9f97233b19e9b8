import type { HistoryPoint } from "../console-look.js";
import { LineChart } from "./line-chart.js";
import { duration, shortCount } from "./format.js";

const perSecond = (value: number): string => `${shortCount(value)}/s`;

/** The last 15 minutes, a point for each look. */
export function Charts({
  history,
  nowMs,
}: {
  readonly history: readonly HistoryPoint[];
  readonly nowMs: number;
}) {
  return (
    <div class="columns">
      <LineChart
        title="Throughput"
        unit="records per second, over 5 s"
        history={history}
        nowMs={nowMs}
        format={perSecond}
        lines={[
          { name: "published", of: (point) => point.published },
          { name: "crunched", of: (point) => point.crunched },
          { name: "stored", of: (point) => point.stored },
        ]}
      />
      <LineChart
        title="Latency"
        unit="seconds"
        history={history}
        nowMs={nowMs}
        format={duration}
        lines={[
          { name: "published to done", of: (point) => point.pathSeconds },
          { name: "oldest in DATA", of: (point) => point.dataSeconds },
          { name: "oldest in RESULTS", of: (point) => point.resultsSeconds },
        ]}
      />
    </div>
  );
}
