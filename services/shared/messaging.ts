/**
 * How the engines speak to each other. Interfaces only; `nats/` and `memory/` implement them and
 * pass the same contract suite.
 *
 * The ack contract: a handler that resolves has its message acked. One that throws an
 * {@link EngineError} says what happens next: `retry` redelivers after a delay, `park` keeps the
 * original bytes with the reason and then acks, `stop` leaves the message unacked and ends
 * {@link Consumer.run}. Nobody else calls ack.
 */

import type { InFlightOptions } from "./in-flight.js";
import type { StreamsLook } from "./streams-look.js";
import type { Notes } from "./notes.js";
import type { TraceContext } from "./trace/trace-context.js";

/** The two stages that a record passes. */
export type Topic = "data" | "results";

/** Subjects without namespace. A single is one protobuf record or result, a frame carries many. */
export type Subject = "data" | "data.frame" | "results" | "results.frame" | "parked.data" | "parked.results";

/** Where a delivered message is stored: its identity, the same on every redelivery. */
export interface MessageOrigin {
  readonly stream: string;
  /** When the stream was created, RFC 3339. With `sequence` it names a message for ever. */
  readonly streamCreatedAt: string;
  readonly sequence: number;
  /** The instant the stream stored the message, in nanoseconds since the epoch. */
  readonly storedAtNs: bigint;
  /** 1 on the first delivery. */
  readonly deliveries: number;
}

/** One delivered message. `payload` stays valid until the handler settles. */
export interface IncomingMessage {
  readonly topic: Topic;
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** What the headers say of a trace; found without reading them all, because every message is asked for it. */
  readonly trace: TraceContext | undefined;
  readonly origin: MessageOrigin;
}

/** One message to publish. */
export interface OutgoingMessage {
  readonly subject: Subject;
  /** Not copied: the caller must not change it until the publish resolves. */
  readonly payload: Uint8Array;
  /** The stream stores a message with a known id only once (within its dedupe window). */
  readonly messageId: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The stream's word that a message is stored. */
export interface StoredConfirm {
  readonly stream: string;
  readonly sequence: number;
  /** True if the stream already had a message with this id, so nothing new was stored. */
  readonly duplicate: boolean;
}

/** Publishes until stored. Safe to call concurrently; the caller bounds how many are in flight. */
export interface Publisher {
  /**
   * Resolves once the stream has stored the message. Retries the same bytes for ever, with
   * backoff and jitter, while the server is away or the stream is full.
   *
   * @throws EngineError `stop` if the message can never be stored (larger than the server allows),
   *   or if `signal` aborted before it was.
   */
  publish(message: OutgoingMessage, signal?: AbortSignal): Promise<StoredConfirm>;

  /** True while publishing is held back, and why; undefined when it flows. */
  blockedBy(): string | undefined;
}

/** A message as its stream keeps it. */
export interface KeptMessage {
  readonly sequence: number;
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
}

/** Settles one message; see the ack contract above. */
export type Handler = (message: IncomingMessage) => Promise<void>;

/** What waits in a stage. */
export interface Backlog {
  /** Messages not yet delivered to any engine. */
  readonly pendingMessages: number;
  /** Messages delivered and not yet acked. */
  readonly unackedMessages: number;
  /** Sequence of the newest message ever stored in the stage's stream. */
  readonly lastSequence: number;
  /** Bytes that the stage's stream keeps, finished messages included. */
  readonly bytes: number;
  /** Bytes that it may keep; publishers wait beyond that. */
  readonly maxBytes: number;
}

export interface ConsumerOptions extends InFlightOptions {
  readonly topic: Topic;
  /** A message not settled for this long is delivered again, in milliseconds. Heartbeats extend it. */
  readonly ackWaitMs: number;
  /** Aborts when no message will come any more: the end of a run waits for none. */
  readonly nothingMore?: AbortSignal;
}

/** Takes messages of one topic and settles them by how the handler ends. */
export interface Consumer {
  /**
   * Delivers messages to `handler`, as many at once as the {@link InFlightOptions} allow, until `signal`
   * aborts; then takes no more, waits for those in hand and for their acks to be sent, and resolves.
   *
   * @throws EngineError `stop` when a handler said so or the connection is gone for good.
   */
  run(handler: Handler, signal: AbortSignal): Promise<void>;
}

/** One connection to the streams. */
export interface Messaging {
  readonly publisher: Publisher;
  /** Makes the shared durable consumer of a topic if it is absent. */
  consumer(options: ConsumerOptions): Promise<Consumer>;
  /** What waits between this stage's stream and its engines. */
  backlog(topic: Topic): Promise<Backlog>;
  /**
   * What the streams say of every record; see `ledger.ts`. First how far each stage is, then `meanwhile`,
   * then what was parked, then what was published: no record seems missing that moves on meanwhile.
   */
  streamsLook(meanwhile?: () => Promise<void>): Promise<StreamsLook>;
  readonly notes: Notes;
  /**
   * The newest messages that the topic's stream still keeps, finished or not, newest first; none where
   * it keeps none. Reads up to the first frame: that alone carries many records.
   *
   * @param singles how many messages at most
   */
  newest(topic: Topic, singles: number): Promise<readonly KeptMessage[]>;
  /** Messages kept on `parked.*` since the stream was made. */
  parkedMessages(): Promise<number>;
  /**
   * Headers of the newest stored message of a subject, of those that have `having` if it is given;
   * undefined if there is none. Looks back over 100,000 messages of the stream at most.
   */
  lastHeaders(
    subject: Subject,
    having?: { readonly header: string; readonly value: string },
  ): Promise<Readonly<Record<string, string>> | undefined>;
  /** One word or sentence for readiness; `ok` is false while disconnected. */
  state(): { readonly ok: boolean; readonly detail: string };
  /** Sends what is queued and disconnects. Idempotent. */
  close(): Promise<void>;
}

/** Headers of our messages. Values are decimal or plain text; all are optional for foreign clients. */
export const HEADER = {
  /** Records in a frame. */
  records: "Crunch-Records",
  /** Run id of the data-engine that published the frame. */
  run: "Crunch-Run",
  /** Position in the source after the frame's last record. */
  position: "Crunch-Position",
  /** Every record before this position in the source was confirmed when the frame was sent. */
  confirmed: "Crunch-Confirmed",
  /** Of a parked item: the subject its bytes were published on, so that they can go there again. */
  subject: "Crunch-Subject",
  reason: "Crunch-Reason",
  error: "Crunch-Error",
  stream: "Crunch-Stream",
  sequence: "Crunch-Sequence",
  deliveries: "Crunch-Deliveries",
  engine: "Crunch-Engine",
  at: "Crunch-At",
  /** `1/2` and `2/2`: a parked item that was too large for one message together with its headers. */
  part: "Crunch-Part",
} as const;
