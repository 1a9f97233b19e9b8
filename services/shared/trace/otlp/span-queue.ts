/**
 * spans that ended -> a queue of bounded length -> the collector, batch by batch; what becomes of each is counted.
 *
 * The library's own queue drops what is too much as well, but tells nobody how much that was.
 */
import { TraceFlags } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import type { ExportResult } from "@opentelemetry/core";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Counter, Metrics } from "../../metrics.js";

/** Spans that wait for the collector, at most. */
const MAX_QUEUED = 2_048;
const MAX_BATCH = 512;

/** Told when it changes whether the collector takes spans. */
export interface QueueObserver {
  refused(reason: string): void;
  taken(): void;
}

export class SpanQueue implements SpanProcessor {
  readonly #inner: BatchSpanProcessor;
  readonly #exporter: SpanExporter;
  readonly #observer: QueueObserver;
  readonly #spans: Counter<"outcome">;
  #queued = 0;
  #sending = 0;
  #isRefused = false;

  constructor(exporter: SpanExporter, metrics: Metrics, observer: QueueObserver) {
    this.#exporter = exporter;
    this.#observer = observer;
    this.#spans = metrics.counter(
      "trace_spans_total",
      "Spans recorded, by what became of them: sent, failed (the collector did not take them), dropped (the queue was full).",
      ["outcome"],
    );
    for (const outcome of ["sent", "failed", "dropped"]) this.#spans.inc({ outcome }, 0);
    const counting: SpanExporter = {
      export: (spans, done) => this.#export(spans, done),
      shutdown: () => exporter.shutdown(),
    };
    this.#inner = new BatchSpanProcessor({
      exporter: counting,
      maxQueueSize: MAX_QUEUED,
      maxExportBatchSize: MAX_BATCH,
    });
  }

  /** Spans of which nothing is known yet. */
  get unsent(): number {
    return this.#queued + this.#sending;
  }

  onStart(): void {
    // Only ended spans are sent.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#queued >= MAX_QUEUED) {
      this.#spans.inc({ outcome: "dropped" });
      return;
    }
    this.#queued += 1;
    this.#inner.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  #export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#queued -= spans.length;
    this.#sending += spans.length;
    this.#exporter.export(spans, (result) => {
      this.#sending -= spans.length;
      const isSent = result.code === ExportResultCode.SUCCESS;
      this.#spans.inc({ outcome: isSent ? "sent" : "failed" }, spans.length);
      if (isSent && this.#isRefused) this.#observer.taken();
      else if (!isSent && !this.#isRefused)
        this.#observer.refused(result.error?.message ?? "no reason given");
      this.#isRefused = !isSent;
      done(result);
    });
  }
}
