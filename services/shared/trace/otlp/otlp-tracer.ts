/** spans -> queue -> OTLP over HTTP. Nothing of the pipeline ever waits for the collector. */
import { ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import type { Context, Tracer as ApiTracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "../../logger.js";
import type { Subject } from "../../messaging.js";
import type { Metrics } from "../../metrics.js";
import { VERSION } from "../../product.js";
import { withoutCredentials } from "../../shown-settings.js";
import type { TraceContext } from "../trace-context.js";
import type { Attributes, Operation, Span, Tracer } from "../tracer.js";
import { ATTRIBUTE } from "../attributes.js";
import { OtlpSpan, contextOf } from "./otlp-span.js";
import { samplerOf } from "./sampler.js";
import type { SamplerName } from "./sampler.js";
import { SpanQueue } from "./span-queue.js";

/** Longest time that the end of an engine waits for the collector. */
const FLUSH_MS = 2_000;

export interface OtlpOptions {
  /** Of the collector, with its path. */
  readonly url: string;
  readonly sampler: SamplerName;
  /** Share of the traces that is recorded, 0 to 1. */
  readonly ratio: number;
  readonly namespace: string | undefined;
  readonly service: string;
  readonly engineId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const KINDS: Readonly<Record<Operation, SpanKind>> = {
  publish: SpanKind.PRODUCER,
  park: SpanKind.PRODUCER,
  crunch: SpanKind.CONSUMER,
  store: SpanKind.CONSUMER,
};

export class OtlpTracer implements Tracer {
  readonly isOn = true;
  readonly #namespace: string | undefined;
  readonly #logger: Logger;
  readonly #queue: SpanQueue;
  readonly #provider: TracerProvider;
  readonly #tracer: ApiTracer;

  constructor(options: OtlpOptions) {
    const { url, service, engineId, namespace, logger, metrics } = options;
    this.#namespace = namespace;
    this.#logger = logger;
    this.#queue = new SpanQueue(new OTLPTraceExporter({ url }), metrics, {
      refused: (reason) => {
        const shown = withoutCredentials(url);
        const text = `the collector of traces at ${shown} takes no spans: ${reason}; records go on without`;
        logger.warn({ event: "traces_refused", url: shown, reason }, text);
      },
      taken: () => logger.warn({ event: "traces_taken" }, "the collector of traces takes spans again"),
    });
    const own = resourceFromAttributes({
      "service.name": service,
      "service.version": VERSION,
      "service.instance.id": engineId,
      ...(namespace === undefined ? {} : { "service.namespace": namespace }),
    });
    this.#provider = new TracerProvider({
      // OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME have the last word.
      resource: own.merge(detectResources({ detectors: [envDetector] })),
      sampler: samplerOf(options.sampler, options.ratio),
      spanProcessors: [this.#queue],
    });
    this.#tracer = this.#provider.getTracer("data-crunch", VERSION);
  }

  message(operation: Operation, subject: Subject, parent: TraceContext | undefined): Span {
    const context = parent === undefined ? ROOT_CONTEXT : contextOf(parent);
    const span = this.#start(`${operation} ${subject}`, KINDS[operation], context, parent?.tracestate);
    if (span.isRecorded) span.set(this.#attributesOf(operation, subject));
    return span;
  }

  inside(name: string, parent: Span): Span {
    // A parent that nobody sees has no children that anybody would.
    if (!parent.isRecorded || parent.context === undefined) return parent;
    return this.#start(name, SpanKind.INTERNAL, contextOf(parent.context), parent.context.tracestate);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => (timer = setTimeout(() => resolve("late"), FLUSH_MS)));
    const end = await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
    if (end !== "late") return;
    const { unsent } = this.#queue;
    this.#logger.warn(
      { event: "traces_left", unsent },
      `${String(unsent)} spans did not reach the collector of traces within ${String(FLUSH_MS)} ms`,
    );
  }

  #start(name: string, kind: SpanKind, context: Context, tracestate: string | undefined): OtlpSpan {
    return new OtlpSpan(this.#tracer.startSpan(name, { kind }, context), tracestate);
  }

  #attributesOf(operation: Operation, subject: Subject): Attributes {
    const isSent = KINDS[operation] === SpanKind.PRODUCER;
    return {
      [ATTRIBUTE.system]: "nats",
      [ATTRIBUTE.operationName]: operation,
      [ATTRIBUTE.operationType]: isSent ? "send" : "process",
      // As the server knows it; see subjectName of nats/topology.ts.
      [ATTRIBUTE.destination]: this.#namespace === undefined ? subject : `${this.#namespace}.${subject}`,
      ...(isSent ? {} : { [ATTRIBUTE.consumerGroup]: operation === "crunch" ? "crunch" : "results" }),
    };
  }
}
