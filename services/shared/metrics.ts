import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Gauges of prom-client that end like counters, which Prometheus' own linter refuses. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** The metrics of one engine. Names carry base units; labels are bounded sets. */
export interface Metrics {
  readonly registry: Registry;
  counter<Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ): Counter<Label>;
  /** @param collect sets the value when it is asked for */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
    collect?: (gauge: Gauge<Label>) => void,
  ): Gauge<Label>;
  /** @param buckets upper bounds in the unit of the name */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
}

/**
 * A registry with the process's own metrics and the service as label: CPU, memory, and the lag of the
 * main thread's event loop between two scrapes (`nodejs_eventloop_lag_p99_seconds`, `..._max_seconds`).
 */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return {
    registry,
    counter: (name, help, labels = []) =>
      new Counter({ name, help, labelNames: labels, registers: [registry] }),
    gauge: (name, help, labels = [], collect?) => {
      const gauge = new Gauge({ name, help, labelNames: labels, registers: [registry] });
      if (collect !== undefined) Object.assign(gauge, { collect: () => collect(gauge) });
      return gauge;
    },
    histogram: (name, help, buckets) =>
      new Histogram({ name, help, buckets: [...buckets], registers: [registry] }),
  };
}
