/**
 * The W3C trace context of a message: what its headers `traceparent` and `tracestate` say.
 * https://www.w3.org/TR/trace-context/
 */

/** Headers as they are handed on. The names of the fields are the names of the headers. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Version, trace id, span id, flags, and what later versions may add. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** A list member is printable; the specification asks for 512 characters to be carried at least. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN_ID = "0".repeat(16);

/**
 * The trace that a message belongs to; undefined if its headers name none, or none that is valid: anybody
 * may send anything. Names count in any case, because some clients write `Traceparent`.
 */
export function traceOf(headers: Readonly<Record<string, string>>): TraceContext | undefined {
  const given = valueOf(headers, "traceparent");
  if (given === undefined) return undefined;
  const [, version, traceId, spanId, flags = "00", more] = TRACEPARENT.exec(given) ?? [];
  if (version === undefined || version === "ff" || traceId === NO_TRACE || spanId === NO_SPAN_ID) {
    return undefined;
  }
  if (version === "00" && more !== undefined) return undefined;
  const traceparent = `00-${traceId ?? ""}-${spanId ?? ""}-${flags}`;
  const tracestate = valueOf(headers, "tracestate");
  return tracestate !== undefined && TRACESTATE.test(tracestate)
    ? { traceparent, tracestate }
    : { traceparent };
}

/** Of a valid context, 32 hexadecimal digits. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35);
}

/** Of a valid context, 16 hexadecimal digits. */
export function spanIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(36, 52);
}

/** Whether whoever sent it records the trace. */
export function isSampled({ traceparent }: TraceContext): boolean {
  return (Number.parseInt(traceparent.slice(53), 16) & 1) === 1;
}

/** The field of a log line about a message that belongs to a trace. */
export function traceField(trace: TraceContext | undefined): { readonly trace_id?: string } {
  return trace === undefined ? {} : { trace_id: traceIdOf(trace) };
}

function valueOf(headers: Readonly<Record<string, string>>, wanted: string): string | undefined {
  const exact = headers[wanted];
  if (exact !== undefined) return exact;
  for (const name in headers) {
    if (name.length === wanted.length && name.toLowerCase() === wanted) return headers[name];
  }
  return undefined;
}
