import { EngineError } from "./errors.js";
import type { MessageOrigin, OutgoingMessage, Publisher, StoredConfirm, Topic } from "./messaging.js";
import { HEADER } from "./messaging.js";

/** Longest error text kept in a header; a stack of 40 frames fits. */
const MAX_ERROR_CHARS = 4_000;

export interface ParkedItem {
  readonly topic: Topic;
  /** The original bytes: a whole message, or one record or result as a single. */
  readonly payload: Uint8Array;
  /** Short and stable, for filters and metrics: `cruncher_threw`, `undecodable`, ... */
  readonly reason: string;
  /** For people: the message and stack, or the value and the limit. */
  readonly error: string;
  /** Identity of what is parked, so that parking it twice keeps it once. */
  readonly id: string;
  readonly origin?: MessageOrigin;
}

/** Name of one record of a message, or of the whole message, for {@link ParkedItem.id}. */
export function parkedIdOf(origin: MessageOrigin, recordIndex?: number): string {
  const whole = `${origin.stream}-${origin.streamCreatedAt}-${String(origin.sequence)}`;
  return recordIndex === undefined ? whole : `${whole}-${String(recordIndex)}`;
}

/** Keeps what can never succeed on `parked.*`, with its reason. */
export class Parker {
  readonly #publisher: Publisher;
  readonly #engine: string;
  #count = 0;

  constructor(publisher: Publisher, engine: string) {
    this.#publisher = publisher;
    this.#engine = engine;
  }

  /** Items parked by this process and seen for the first time. */
  get count(): number {
    return this.#count;
  }

  /**
   * Resolves once the item is stored; only then may its original be acked. An item that is too large
   * for one message together with its headers is kept in two halves, marked by `Crunch-Part`.
   */
  async park(item: ParkedItem, signal?: AbortSignal): Promise<void> {
    const message = this.#message(item);
    let confirm: StoredConfirm;
    try {
      confirm = await this.#publisher.publish(message, signal);
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== "too_large") throw thrown;
      const [first, second] = halvesOf(message);
      await this.#publisher.publish(first, signal);
      confirm = await this.#publisher.publish(second, signal);
    }
    if (!confirm.duplicate) this.#count += 1;
  }

  #message(item: ParkedItem): OutgoingMessage {
    const headers: Record<string, string> = {
      [HEADER.reason]: item.reason,
      [HEADER.error]: headerText(item.error),
      [HEADER.engine]: this.#engine,
      [HEADER.at]: new Date().toISOString(),
    };
    if (item.origin !== undefined) {
      headers[HEADER.stream] = item.origin.stream;
      headers[HEADER.sequence] = String(item.origin.sequence);
      headers[HEADER.deliveries] = String(item.origin.deliveries);
    }
    return {
      subject: `parked.${item.topic}`,
      payload: item.payload,
      messageId: `parked-${item.id}`,
      headers,
    };
  }
}

function halvesOf(message: OutgoingMessage): [OutgoingMessage, OutgoingMessage] {
  const middle = Math.ceil(message.payload.byteLength / 2);
  const half = (part: number, payload: Uint8Array): OutgoingMessage => ({
    ...message,
    payload,
    messageId: `${message.messageId}-part${part}`,
    headers: { ...message.headers, [HEADER.part]: `${part}/2` },
  });
  return [half(1, message.payload.subarray(0, middle)), half(2, message.payload.subarray(middle))];
}

/** A NATS header value is one line of ASCII; line ends become ` | `, the rest is percent-encoded. */
function headerText(text: string): string {
  const oneLine = text.slice(0, MAX_ERROR_CHARS).replace(/\s*[\r\n]+\s*/g, " | ");
  return oneLine.replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}
