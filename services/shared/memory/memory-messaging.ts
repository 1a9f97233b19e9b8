/** Messaging inside one process: for unit tests, and for runs that need no server. Nothing survives it. */
import type {
  Backlog,
  Consumer,
  ConsumerOptions,
  KeptMessage,
  Messaging,
  Publisher,
  Subject,
  Topic,
} from "../messaging.js";
import type { StreamsLook } from "../streams-look.js";
import type { Warn } from "../logger.js";
import type { Notes } from "../notes.js";
import { NOTHING_PARKED, addParked } from "../parked-count.js";
import { Parker } from "../parking.js";
import type { ParkedStore } from "../parked-store.js";
import { upToFirstFrame } from "../kept-messages.js";
import { MemoryConsumer, closedError } from "./memory-consumer.js";
import { MemoryNotes } from "./memory-notes.js";
import { MemoryParkedStore } from "./memory-parked-store.js";
import { MemoryPublisher } from "./memory-publisher.js";
import { MemoryStream } from "./memory-stream.js";
import type { StoredMessage } from "./memory-stream.js";
import { NO_TRACER } from "../trace/tracer.js";
import type { Tracer } from "../trace/tracer.js";

export interface MemoryOptions {
  /** Payload bytes that each stream holds; a full stream holds publishers back. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Largest payload. Default 1 MiB, as that of a NATS server. */
  readonly maxPayloadBytes?: number;
  /** How long a message id is remembered, in milliseconds. Default 10 min. */
  readonly dedupeWindowMs?: number;
  /** Milliseconds since the epoch. Default Date.now. */
  readonly now?: () => number;
  /** Written into parked messages. */
  readonly engineId?: string;
  warn?(details: Readonly<Record<string, unknown>>, message: string): void;
  /** Records the parking of whole messages. */
  readonly tracer?: Tracer;
}

export class MemoryMessaging implements Messaging {
  readonly publisher: Publisher;
  readonly parkedStore: ParkedStore;
  readonly notes: Notes = new MemoryNotes();
  readonly #publisher: MemoryPublisher;
  readonly #parker: Parker;
  readonly #streams: Readonly<Record<"DATA" | "RESULTS" | "PARKED", MemoryStream>>;
  readonly #closing = new AbortController();
  #parked = NOTHING_PARKED;
  #parkedCountedTo = 0;
  readonly #warn: Warn;

  constructor(options: MemoryOptions = {}) {
    const make = (name: string): MemoryStream =>
      new MemoryStream(
        name,
        options.maxBytes ?? 268_435_456,
        options.dedupeWindowMs ?? 600_000,
        options.now ?? Date.now,
      );
    this.#streams = { DATA: make("DATA"), RESULTS: make("RESULTS"), PARKED: make("PARKED") };
    this.#publisher = new MemoryPublisher(
      (subject) => this.#streamOf(subject),
      options.maxPayloadBytes ?? 1_048_576,
    );
    this.publisher = this.#publisher;
    this.parkedStore = new MemoryParkedStore(this.#streams.PARKED, () => this.#countParked());
    const warn: Warn = (details, message) => options.warn?.(details, message);
    this.#warn = warn;
    this.#parker = new Parker(this.#publisher, options.engineId ?? "memory", {
      warn,
      tracer: options.tracer ?? NO_TRACER,
    });
  }

  consumer(options: ConsumerOptions): Promise<Consumer> {
    const parts = {
      stream: this.#streamOf(options.topic),
      parker: this.#parker,
      closed: this.#closing.signal,
      warn: this.#warn,
    };
    return Promise.resolve(new MemoryConsumer(parts, options));
  }

  backlog(topic: Topic): Promise<Backlog> {
    const { pendingMessages, unackedMessages, lastSequence, bytes, maxBytes } = this.#streamOf(topic);
    return Promise.resolve({ pendingMessages, unackedMessages, lastSequence, bytes, maxBytes });
  }

  async streamsLook(meanwhile?: () => Promise<void>): Promise<StreamsLook> {
    const { DATA, RESULTS, PARKED } = this.#streams;
    const data = DATA.stage;
    const results = RESULTS.stage;
    await meanwhile?.();
    this.#countParked();
    const parked = { ...this.#parked, keptMessages: PARKED.messages.length };
    return { data: { ...data, records: DATA.stage.records }, results, parked };
  }

  newest(topic: Topic, singles: number): Promise<readonly KeptMessage[]> {
    const newestFirst = this.#streamOf(topic)
      .messages.slice(-singles)
      .reverse()
      .map(({ sequence, subject, payload }) => ({ sequence, isFrame: subject.endsWith(".frame"), payload }));
    return Promise.resolve(upToFirstFrame(newestFirst));
  }

  parkedMessages(): Promise<number> {
    return Promise.resolve(this.#streams.PARKED.lastSequence);
  }

  /** What is parked, oldest first. */
  parked(): readonly StoredMessage[] {
    return this.#streams.PARKED.messages;
  }

  lastHeaders(
    subject: Subject,
    having?: { readonly header: string; readonly value: string },
  ): Promise<Readonly<Record<string, string>> | undefined> {
    return Promise.resolve(this.#streamOf(subject).lastHeaders(subject, having));
  }

  state(): { readonly ok: boolean; readonly detail: string } {
    return this.#closing.signal.aborted ? { ok: false, detail: "closed" } : { ok: true, detail: "in memory" };
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#publisher.close(closedError());
    return Promise.resolve();
  }

  /** Before any of it is removed. */
  #countParked(): void {
    const fresh = this.#streams.PARKED.messages.filter(({ sequence }) => sequence > this.#parkedCountedTo);
    this.#parked = fresh.reduce(addParked, this.#parked);
    this.#parkedCountedTo = this.#streams.PARKED.lastSequence;
  }

  #streamOf(subject: Subject): MemoryStream {
    if (subject.startsWith("parked.")) return this.#streams.PARKED;
    return subject.startsWith("data") ? this.#streams.DATA : this.#streams.RESULTS;
  }
}
