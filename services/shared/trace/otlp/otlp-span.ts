import { ROOT_CONTEXT, SpanStatusCode, TraceFlags, createTraceState, trace } from "@opentelemetry/api";
import type { Context, Span as ApiSpan } from "@opentelemetry/api";
import { EngineError } from "../../errors.js";
import { ATTRIBUTE } from "../attributes.js";
import { isSampled, spanIdOf, traceIdOf } from "../trace-context.js";
import type { TraceContext } from "../trace-context.js";
import type { Attributes, Span } from "../tracer.js";

/** A step as the library has it. */
export class OtlpSpan implements Span {
  readonly isRecorded: boolean;
  readonly context: TraceContext;
  readonly #span: ApiSpan;

  constructor(span: ApiSpan, tracestate: string | undefined) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    const flags = (traceFlags & TraceFlags.SAMPLED) === 0 ? "00" : "01";
    const traceparent = `00-${traceId}-${spanId}-${flags}`;
    this.context = tracestate === undefined ? { traceparent } : { traceparent, tracestate };
    this.isRecorded = span.isRecording();
    this.#span = span;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  link({ context }: Span): void {
    if (context !== undefined) this.#span.addLink({ context: spanContextOf(context) });
  }

  fail(thrown: unknown): void {
    if (!this.isRecorded) return;
    // The text of an error may hold what a record holds.
    this.#span.setAttribute(ATTRIBUTE.errorType, EngineError.from(thrown).code);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    this.#span.end();
  }
}

/** What the library starts children from. */
export function contextOf(parent: TraceContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}

function spanContextOf(context: TraceContext) {
  const { tracestate } = context;
  return {
    traceId: traceIdOf(context),
    spanId: spanIdOf(context),
    traceFlags: isSampled(context) ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}
