import { EngineError } from "./errors.js";
import type { Warn } from "./logger.js";
import type { MessageOrigin, OutgoingMessage, Publisher, StoredConfirm } from "./messaging.js";
import { HEADER } from "./messaging.js";
import { originName } from "./origin-name.js";
import type { ParkedItem } from "./parked-item.js";
import { ParkedLog } from "./parked-log.js";
import { ATTRIBUTE } from "./trace/attributes.js";
import { NO_TRACER, during } from "./trace/tracer.js";
import type { Span, Tracer } from "./trace/tracer.js";

/** Longest error text kept in a header; a stack of 40 frames fits. */
const MAX_ERROR_CHARS = 4_000;

/** Who hears of what is parked. */
export interface ParkerObservers {
  /** Told of what a person must act on. */
  readonly warn?: Warn;
  readonly tracer?: Tracer;
}

/** Name of one record of a message, or of the whole message, for {@link ParkedItem.id}. */
export function parkedIdOf(origin: MessageOrigin, recordIndex?: number): string {
  const whole = originName(origin);
  return recordIndex === undefined ? whole : `${whole}-${String(recordIndex)}`;
}

/** Keeps what can never succeed on `parked.*`, with its reason. */
export class Parker {
  readonly #publisher: Publisher;
  readonly #engine: string;
  readonly #tracer: Tracer;
  readonly #log: ParkedLog;
  #count = 0;

  constructor(publisher: Publisher, engine: string, { warn, tracer }: ParkerObservers = {}) {
    this.#publisher = publisher;
    this.#engine = engine;
    this.#tracer = tracer ?? NO_TRACER;
    this.#log = new ParkedLog(warn ?? (() => undefined));
  }

  /** Items parked by this process and seen for the first time. */
  get count(): number {
    return this.#count;
  }

  /**
   * Resolves once the item is stored; only then may its original be acked. An item that is too large
   * for one message together with its headers is kept in two halves, marked by `Crunch-Part`.
   *
   * @throws EngineError `retry` when `giveUp` aborts first: the original comes again another time
   */
  async park(item: ParkedItem, giveUp?: AbortSignal): Promise<void> {
    const span = this.#tracer.message("park", `parked.${item.topic}`, item.trace);
    if (span.isRecorded) span.set({ [ATTRIBUTE.reason]: item.reason });
    try {
      const { duplicate } = await during(span, () => this.#store(this.#message(item, span), giveUp));
      if (duplicate) return;
      this.#count += 1;
      this.#log.parked(item, performance.now());
    } catch (thrown) {
      if (giveUp?.aborted !== true || EngineError.from(thrown).code !== "aborted") throw thrown;
      const text = "there was no room to park it before the engine had to stop";
      throw new EngineError("parking_given_up", "retry", text, { cause: thrown });
    }
  }

  async #store(message: OutgoingMessage, giveUp?: AbortSignal): Promise<StoredConfirm> {
    try {
      return await this.#publisher.publish(message, giveUp);
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== "too_large") throw thrown;
      const [first, second] = halvesOf(message);
      await this.#publisher.publish(first, giveUp);
      return await this.#publisher.publish(second, giveUp);
    }
  }

  #message(item: ParkedItem, { context }: Span): OutgoingMessage {
    return {
      subject: `parked.${item.topic}`,
      payload: item.payload,
      messageId: `parked-${item.id}`,
      headers: {
        ...headersOf(item),
        [HEADER.engine]: this.#engine,
        [HEADER.at]: new Date().toISOString(),
        ...context,
      },
    };
  }
}

/** What the item itself says in its headers. */
export function headersOf(item: ParkedItem): Record<string, string> {
  const headers: Record<string, string> = {
    [HEADER.reason]: item.reason,
    [HEADER.error]: headerText(item.error),
  };
  if (item.subject !== undefined) headers[HEADER.subject] = item.subject;
  if (item.records !== undefined) headers[HEADER.records] = String(item.records);
  if (item.origin !== undefined) {
    headers[HEADER.stream] = item.origin.stream;
    headers[HEADER.sequence] = String(item.origin.sequence);
    headers[HEADER.deliveries] = String(item.origin.deliveries);
  }
  return headers;
}

/** Values of `Crunch-Part`, and what they add to the message id of their item. */
export const PART = {
  first: "1/2",
  second: "2/2",
  suffix: (part: string) => `-part${part.charAt(0)}`,
} as const;

function halvesOf(message: OutgoingMessage): [OutgoingMessage, OutgoingMessage] {
  const middle = Math.ceil(message.payload.byteLength / 2);
  const half = (part: string, payload: Uint8Array): OutgoingMessage => ({
    ...message,
    payload,
    messageId: message.messageId + PART.suffix(part),
    headers: { ...message.headers, [HEADER.part]: part },
  });
  return [
    half(PART.first, message.payload.subarray(0, middle)),
    half(PART.second, message.payload.subarray(middle)),
  ];
}

/** Between the lines of an error in its header. */
export const ERROR_LINE_END = " | ";

/** A NATS header value is one line of ASCII; line ends become ` | `, the rest is percent-encoded. */
function headerText(text: string): string {
  const oneLine = text.slice(0, MAX_ERROR_CHARS).replace(/\s*[\r\n]+\s*/g, ERROR_LINE_END);
  return oneLine.replace(/[^\x20-\x7e]|%/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

/** The error of {@link ParkedItem} from its header, its line ends as they are there. */
export function errorOfHeader(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Written by another program: as it is.
    return value;
  }
}
