import type { CommonSettings } from "../config.js";
import type { Logger } from "../logger.js";
import type { Metrics } from "../metrics.js";
import { NO_TRACER } from "./tracer.js";
import type { Tracer } from "./tracer.js";

/** Who the spans are of. */
export interface TracedEngine {
  readonly service: string;
  readonly engineId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The tracer that the settings ask for. The libraries are loaded only if there is a collector to send to, so
 * that an engine without one neither starts later nor takes more memory.
 */
export async function openTracer(settings: CommonSettings, engine: TracedEngine): Promise<Tracer> {
  const url = collectorUrl(settings);
  if (url === undefined) return NO_TRACER;
  const { OtlpTracer } = await import("./otlp/otlp-tracer.js");
  return new OtlpTracer({
    url,
    sampler: settings.OTEL_TRACES_SAMPLER,
    ratio: settings.OTEL_TRACES_SAMPLER_ARG,
    namespace: settings.NAMESPACE,
    ...engine,
  });
}

/** Where spans go; undefined if nowhere. The path is added to the general address, as OpenTelemetry has it. */
export function collectorUrl(settings: CommonSettings): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_EXPORTER_OTLP_ENDPOINT: all } = settings;
  if (traces !== undefined) return traces;
  return all === undefined ? undefined : `${all.replace(/\/$/, "")}/v1/traces`;
}
