/**
 * consumer -> batcher -> sink, until `signal` aborts.
 *
 * A message is acked only when each of its rows is durable or parked, so a crash writes rows again
 * but loses none; the sink tells those that come again.
 */
import { decodeResults } from "../shared/codec/result-codec.js";
import type { DecodedResults } from "../shared/codec/result-codec.js";
import { OWN_FIELDS } from "../shared/codec/own-fields.js";
import { MemoryPool } from "../shared/memory-pool.js";
import type { Consumer, Handler, IncomingMessage } from "../shared/messaging.js";
import { parkedIdOf } from "../shared/parking.js";
import type { Parker } from "../shared/parking.js";
import { ATTRIBUTE } from "../shared/trace/attributes.js";
import { NO_SPAN, during } from "../shared/trace/tracer.js";
import type { Span, Tracer } from "../shared/trace/tracer.js";
import { NO_SPANS } from "./batcher.js";
import type { Batcher } from "./batcher.js";
import { Singles } from "./singles.js";

/** Entries of one message that are being parked at once: a whole frame may be rejected. */
const PARKS_IN_FLIGHT = 64;

export interface ResultsPipelineParts {
  readonly consumer: Consumer;
  readonly batcher: Batcher;
  readonly parker: Parker;
  /** Aborts when a drain can wait no longer for room in PARKED; what is not parked comes again. */
  readonly parkGiveUp: AbortSignal;
  readonly tracer: Tracer;
  /** Aborts when no message will come any more, so that no row is to wait for others. */
  readonly nothingMore?: AbortSignal;
}

export async function runResultsPipeline(parts: ResultsPipelineParts, signal: AbortSignal): Promise<void> {
  const { consumer, batcher, nothingMore } = parts;
  const singles = new Singles<IncomingMessage>(
    (results, bytes, messages, spans) => batcher.add(results, bytes, messages, spans),
    (message, span, error) => {
      const { payload } = message;
      return parkEach(parts, message, [{ index: 0, payload, reason: "rejected_by_sink", error }], span);
    },
    batcher.maxRows,
  );
  const memory = new MemoryPool();
  const handle: Handler = (message) => {
    const span = spanOf(parts.tracer, message);
    return during(span, () =>
      message.isFrame ? handleFrame(parts, memory, message, span) : singles.store(message, span),
    );
  };
  const drain = (): void => batcher.drain();
  signal.addEventListener("abort", drain);
  nothingMore?.addEventListener("abort", drain);
  try {
    await consumer.run(handle, signal);
  } finally {
    signal.removeEventListener("abort", drain);
    nothingMore?.removeEventListener("abort", drain);
  }
}

/** An entry of a message that gets no row. */
interface Unstored {
  /** Place in the message. */
  readonly index: number;
  /** Its own bytes, a single MyResult. */
  readonly payload: Uint8Array;
  readonly reason: "invalid_result" | "rejected_by_sink";
  readonly error: string;
}

/** The step that ends with the rows of a message, or with their being parked. */
function spanOf(tracer: Tracer, message: IncomingMessage): Span {
  if (!tracer.isOn) return NO_SPAN;
  const span = tracer.message("store", message.isFrame ? "results.frame" : "results", message.trace);
  if (span.isRecorded) {
    const { stream, sequence, deliveries } = message.origin;
    span.set({
      [ATTRIBUTE.stream]: stream,
      [ATTRIBUTE.sequence]: sequence,
      [ATTRIBUTE.deliveries]: deliveries,
      [ATTRIBUTE.bodySize]: message.payload.length,
    });
  }
  return span;
}

async function handleFrame(
  parts: ResultsPipelineParts,
  memory: MemoryPool,
  message: IncomingMessage,
  span: Span,
): Promise<void> {
  const results = decodeResults(message.payload, true, OWN_FIELDS, memory);
  const invalid = results.invalid.map(({ index, bytes, error }): Unstored => {
    return { index, payload: bytes, reason: "invalid_result", error };
  });
  // Both to their ends before the message is settled, whichever fails first: its bytes are in use until then.
  const ends = await Promise.allSettled([
    store(parts, message, results, span),
    parkEach(parts, message, invalid, span),
  ]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  memory.give(results.memory);
}

async function store(
  parts: ResultsPipelineParts,
  message: IncomingMessage,
  results: DecodedResults,
  span: Span,
): Promise<void> {
  if (results.count === 0) return;
  if (span.isRecorded) span.set({ [ATTRIBUTE.rows]: results.count });
  const spans = span.isRecorded ? [span] : NO_SPANS;
  const rejected = await parts.batcher.add(results, message.payload.byteLength, 1, spans);
  if (rejected.length === 0) return;
  const { payload, entryStarts, entryEnds, entryIndexes } = results;
  const unstored = rejected.map(({ row, reason }): Unstored => {
    const bytes = payload.subarray(entryStarts[row], entryEnds[row]);
    return { index: entryIndexes[row] ?? 0, payload: bytes, reason: "rejected_by_sink", error: reason };
  });
  await parkEach(parts, message, unstored, span);
}

/** Parks each entry alone; resolves once all of them are stored. */
async function parkEach(
  { parker, parkGiveUp }: ResultsPipelineParts,
  message: IncomingMessage,
  entries: readonly Unstored[],
  span: Span,
): Promise<void> {
  if (entries.length === 0) return;
  const { origin } = message;
  const trace = span.context ?? message.trace;
  const waiting = entries.values();
  const lane = async (): Promise<void> => {
    for (const { index, ...entry } of waiting) {
      const id = parkedIdOf(origin, index);
      await parker.park({ topic: "results", subject: "results", ...entry, id, origin, trace }, parkGiveUp);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARKS_IN_FLIGHT, entries.length) }, lane));
}
