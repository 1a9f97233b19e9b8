/**
 * One stream in memory: bounded storage, a dedupe window, and one shared durable that redelivers.
 * Finished messages are removed at once; their ids are remembered for the window.
 */
import { recordsOf } from "../codec/entry-count.js";
import type { StageLook } from "../streams-look.js";
import type { Subject } from "../messaging.js";

/** One stored message. */
export interface StoredMessage {
  readonly sequence: number;
  readonly subject: Subject;
  /** Our own copy. */
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly storedAtNs: bigint;
  readonly records: number;
  deliveries: number;
}

/** A message that is not to be delivered before a time. */
interface Delayed {
  readonly message: StoredMessage;
  readonly dueMs: number;
}

export interface StoreOutcome {
  readonly sequence: number;
  readonly duplicate: boolean;
}

/** Messages whose headers are kept after they were acked. */
const MAX_HEADERS = 1_000;

export class MemoryStream {
  readonly name: string;
  readonly createdAt: string;
  readonly maxBytes: number;
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  readonly #stored = new Map<number, StoredMessage>();
  readonly #ids = new Map<string, { readonly sequence: number; readonly atMs: number }>();
  /** Of the newest messages, oldest first. */
  #headers: Pick<StoredMessage, "subject" | "headers">[] = [];
  /** To be delivered, oldest first; entries before `#head` are gone. */
  #ready: StoredMessage[] = [];
  #head = 0;
  /** In order of due time. */
  readonly #delayed: Delayed[] = [];
  readonly #watchers = new Set<() => void>();
  #bytes = 0;
  #lastSequence = 0;
  #unacked = 0;
  /** Records ever stored. */
  #records = 0;

  constructor(name: string, maxBytes: number, windowMs: number, nowMs: () => number) {
    this.name = name;
    this.maxBytes = maxBytes;
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
    this.createdAt = new Date(nowMs()).toISOString();
  }

  /** Of all messages that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get stage(): StageLook {
    const unfinished = this.messages;
    const waiting = unfinished.reduce((sum, message) => sum + message.records, 0);
    const oldest = unfinished[0]?.storedAtNs;
    return {
      records: this.#records,
      settledRecords: this.#records - waiting,
      pendingMessages: this.pendingMessages,
      unackedMessages: this.unackedMessages,
      oldestUnfinishedAtMs: oldest === undefined ? undefined : Number(oldest / 1_000_000n),
    };
  }

  /** Delivered and not acked; those that wait for another delivery are among them, as in NATS. */
  get unackedMessages(): number {
    return this.#unacked + this.#delayed.length + this.#readyAgain();
  }

  get pendingMessages(): number {
    return this.#stored.size - this.unackedMessages;
  }

  /** Everything stored and not finished, oldest first. */
  get messages(): readonly StoredMessage[] {
    return [...this.#stored.values()];
  }

  /** Of acked messages too: a real stream keeps those for a while. */
  lastHeaders(
    subject: Subject,
    having?: { readonly header: string; readonly value: string },
  ): Readonly<Record<string, string>> | undefined {
    return this.#headers.findLast(
      (entry) =>
        entry.subject === subject && (having === undefined || entry.headers[having.header] === having.value),
    )?.headers;
  }

  /** Stores a message unless its id is known; undefined if there is no room now. */
  store(
    subject: Subject,
    id: string,
    payload: Uint8Array,
    headers: Readonly<Record<string, string>>,
  ): StoreOutcome | undefined {
    const nowMs = this.#nowMs();
    this.#forgetIds(nowMs);
    const known = this.#ids.get(id);
    if (known !== undefined) return { sequence: known.sequence, duplicate: true };
    if (this.#stored.size > 0 && this.#bytes + payload.length > this.maxBytes) return undefined;
    const sequence = ++this.#lastSequence;
    const message: StoredMessage = {
      sequence,
      subject,
      payload: payload.slice(),
      headers: { ...headers },
      storedAtNs: BigInt(Math.round(nowMs * 1_000)) * 1_000n,
      records: recordsOf({ isFrame: subject.endsWith(".frame"), headers, payload }),
      deliveries: 0,
    };
    this.#ids.set(id, { sequence, atMs: nowMs });
    this.#records += message.records;
    this.#stored.set(sequence, message);
    this.#headers.push({ subject, headers: message.headers });
    if (this.#headers.length > 2 * MAX_HEADERS) this.#headers = this.#headers.slice(-MAX_HEADERS);
    this.#bytes += message.payload.length;
    this.#ready.push(message);
    this.#changed();
    return { sequence, duplicate: false };
  }

  /** The next message to deliver; undefined if there is none now. */
  take(): StoredMessage | undefined {
    this.#promote();
    const message = this.#ready[this.#head];
    if (message === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 1_024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    message.deliveries += 1;
    this.#unacked += 1;
    return message;
  }

  /** The message is finished and makes room. */
  ack(message: StoredMessage): void {
    this.#unacked -= 1;
    if (this.#stored.delete(message.sequence)) this.#bytes -= message.payload.length;
    this.#changed();
  }

  /** Takes a message out of a stream that nobody consumes. */
  remove(sequence: number): void {
    this.#bytes -= this.#stored.get(sequence)?.payload.length ?? 0;
    if (this.#stored.delete(sequence)) this.#changed();
  }

  /** The message comes again, not before `delayMs`. */
  redeliver(message: StoredMessage, delayMs: number): void {
    this.#unacked -= 1;
    const delayed: Delayed = { message, dueMs: this.#nowMs() + delayMs };
    let place = this.#delayed.length;
    while (place > 0 && (this.#delayed[place - 1]?.dueMs ?? 0) > delayed.dueMs) place -= 1;
    this.#delayed.splice(place, 0, delayed);
    this.#changed();
  }

  /** Time until a delayed message is due; undefined if none is delayed. */
  dueInMs(): number | undefined {
    const next = this.#delayed[0];
    return next === undefined ? undefined : Math.max(0, next.dueMs - this.#nowMs());
  }

  /** Calls `watcher` at every change, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #readyAgain(): number {
    let count = 0;
    for (let index = this.#head; index < this.#ready.length; index += 1) {
      if ((this.#ready[index]?.deliveries ?? 0) > 0) count += 1;
      // Messages that come again are put first.
      else break;
    }
    return count;
  }

  #promote(): void {
    const nowMs = this.#nowMs();
    let due = 0;
    while (due < this.#delayed.length && (this.#delayed[due]?.dueMs ?? 0) <= nowMs) due += 1;
    if (due === 0) return;
    const again = this.#delayed.splice(0, due).map((delayed) => delayed.message);
    const split = this.#head + this.#readyAgain();
    this.#ready = [...this.#ready.slice(this.#head, split), ...again, ...this.#ready.slice(split)];
    this.#head = 0;
  }

  #forgetIds(nowMs: number): void {
    for (const [id, { atMs }] of this.#ids) {
      if (nowMs - atMs < this.#windowMs) return;
      this.#ids.delete(id);
    }
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
