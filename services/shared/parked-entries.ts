/** messages of the PARKED stream -> entries, with those that came in two halves put together. */
import { HEADER } from "./messaging.js";
import type { Topic } from "./messaging.js";
import type { ParkedEntry, ParkedOrigin } from "./parked-store.js";
import { ERROR_LINE_END, PART, errorOfHeader } from "./parking.js";
import type { OpenSubject } from "./parked-item.js";
import { traceOf } from "./trace/trace-context.js";

/** One message of the PARKED stream. */
export interface ParkedMessage {
  readonly sequence: number;
  readonly storedAtMs: number;
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

const OPEN_SUBJECTS: ReadonlySet<string> = new Set<OpenSubject>([
  "data",
  "data.frame",
  "results",
  "results.frame",
]);

/** Halves of one item that were seen so far. A half may be there twice: the newer one counts. */
interface Halves {
  readonly sequences: number[];
  first?: ParkedMessage;
  second?: ParkedMessage;
}

/** @param stream name and creation time of the stream, for {@link ParkedEntry.id} */
export async function* entriesOf(
  messages: AsyncIterable<ParkedMessage>,
  stream: string,
): AsyncGenerator<ParkedEntry, void, undefined> {
  const lone = new Map<string, Halves>();
  for await (const message of messages) {
    const part = message.headers[HEADER.part];
    if (part === undefined) {
      yield entryOf(message, message.payload, [message.sequence], stream, true);
      continue;
    }
    const key = (message.headers["Nats-Msg-Id"] ?? "").slice(0, -PART.suffix(part).length);
    const halves = lone.get(key) ?? { sequences: [] };
    lone.set(key, halves);
    halves.sequences.push(message.sequence);
    if (part === PART.first) halves.first = message;
    else halves.second = message;
    if (halves.first === undefined || halves.second === undefined) continue;
    lone.delete(key);
    const payload = Buffer.concat([halves.first.payload, halves.second.payload]);
    yield entryOf(halves.first, payload, halves.sequences, stream, true);
  }
  for (const { first, second, sequences } of lone.values()) {
    const half = first ?? second;
    if (half !== undefined) yield entryOf(half, half.payload, sequences, stream, false);
  }
}

function entryOf(
  message: ParkedMessage,
  payload: Uint8Array,
  sequences: readonly number[],
  stream: string,
  isWhole: boolean,
): ParkedEntry {
  const { headers, storedAtMs, topic } = message;
  const subject = headers[HEADER.subject] ?? "";
  const sequence = Math.min(...sequences);
  return {
    sequence,
    id: `${stream}-${String(sequence)}`,
    parkedAtMs: storedAtMs,
    topic,
    subject: OPEN_SUBJECTS.has(subject) ? (subject as OpenSubject) : undefined,
    payload,
    isWhole,
    records: Math.max(1, wholeNumber(headers[HEADER.records])),
    reason: headers[HEADER.reason] ?? "unknown",
    error: errorOfHeader(headers[HEADER.error] ?? "").replaceAll(ERROR_LINE_END, "\n"),
    engine: headers[HEADER.engine] ?? "",
    origin: originOf(headers),
    trace: traceOf(headers),
    sequences,
  };
}

function originOf(headers: ParkedMessage["headers"]): ParkedOrigin | undefined {
  const stream = headers[HEADER.stream];
  if (stream === undefined) return undefined;
  const sequence = wholeNumber(headers[HEADER.sequence]);
  return { stream, sequence, deliveries: wholeNumber(headers[HEADER.deliveries]) };
}

/** 0 for whatever is no whole number. */
function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
