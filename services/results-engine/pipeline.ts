/**
 * consumer -> batcher -> sink, until `signal` aborts.
 *
 * A message is acked only when each of its rows is durable or parked, so a crash writes rows again
 * but loses none; the sink tells those that come again.
 */
import { decodeResults } from "../shared/codec/result-codec.js";
import type { DecodedResults } from "../shared/codec/result-codec.js";
import type { Consumer, IncomingMessage } from "../shared/messaging.js";
import { parkedIdOf } from "../shared/parking.js";
import type { Parker } from "../shared/parking.js";
import type { Batcher, RejectedOfPart } from "./batcher.js";

export interface ResultsPipelineParts {
  readonly consumer: Consumer;
  readonly batcher: Batcher;
  readonly parker: Parker;
}

export async function runResultsPipeline(parts: ResultsPipelineParts, signal: AbortSignal): Promise<void> {
  const { consumer, batcher } = parts;
  const drain = (): void => batcher.drain();
  signal.addEventListener("abort", drain);
  try {
    await consumer.run((message) => handle(parts, message), signal);
  } finally {
    signal.removeEventListener("abort", drain);
  }
}

async function handle(parts: ResultsPipelineParts, message: IncomingMessage): Promise<void> {
  const results = decodeResults(message.payload, message.isFrame);
  const invalid = results.invalid.map(({ index, bytes, error }) => {
    return park(parts.parker, message, index, bytes, "invalid_result", error);
  });
  const rejected = results.count === 0 ? [] : await parts.batcher.add(results, message.payload.byteLength);
  await Promise.all([...invalid, parkRejected(parts.parker, message, results, rejected)]);
}

async function parkRejected(
  parker: Parker,
  message: IncomingMessage,
  results: DecodedResults,
  rejected: RejectedOfPart,
): Promise<void> {
  for (const { row, reason } of rejected) {
    const bytes = results.payload.subarray(results.entryStarts[row], results.entryEnds[row]);
    await park(parker, message, results.entryIndexes[row] ?? 0, bytes, "rejected_by_sink", reason);
  }
}

function park(
  parker: Parker,
  { origin }: IncomingMessage,
  index: number,
  payload: Uint8Array,
  reason: string,
  error: string,
): Promise<void> {
  return parker.park({ topic: "results", payload, reason, error, id: parkedIdOf(origin, index), origin });
}
