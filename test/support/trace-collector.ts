/** A collector of traces: OTLP over HTTP, JSON, as much of it as a test looks at. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** `SpanKind` of OTLP. */
export const KIND = { internal: 1, producer: 4, consumer: 5 } as const;

export interface SeenSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  /** Ids of the spans that it names beside its parent. */
  readonly links: readonly string[];
  readonly isFailed: boolean;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status: { readonly code: number };
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export class TraceCollector {
  readonly spans: SeenSpan[] = [];
  /** Bodies as they came. */
  text = "";
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Of this name, in the order of their arrival. */
  named(name: string): SeenSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** @throws Error if there is none */
  byId(spanId: string): SeenSpan {
    const found = this.spans.find((span) => span.spanId === spanId);
    if (found === undefined) throw new Error(`the collector has no span ${spanId}`);
    return found;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    this.text += text;
    if (request.url !== "/v1/traces") {
      response.writeHead(404).end();
      return;
    }
    for (const { resource, scopeSpans } of (JSON.parse(text) as OtlpRequest).resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push(seenSpan(span, valuesOf(resource.attributes)));
      }
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }
}

function seenSpan(span: OtlpSpan, resource: SeenSpan["resource"]): SeenSpan {
  return {
    name: span.name,
    kind: span.kind,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? "",
    attributes: valuesOf(span.attributes),
    resource,
    links: (span.links ?? []).map(({ spanId }) => spanId),
    isFailed: span.status.code === 2,
  };
}

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
