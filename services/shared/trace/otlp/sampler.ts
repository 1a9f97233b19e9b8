import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Sampler } from "@opentelemetry/sdk-trace";
import type { CommonSettings } from "../../config.js";

/** OTEL_TRACES_SAMPLER. */
export type SamplerName = CommonSettings["OTEL_TRACES_SAMPLER"];

/** @param ratio OTEL_TRACES_SAMPLER_ARG, 0 to 1 */
export function samplerOf(name: SamplerName, ratio: number): Sampler {
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[name.replace("parentbased_", "")]?.() ?? new AlwaysOffSampler();
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}
