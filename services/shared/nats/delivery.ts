/** A delivered message of NATS as the engines see it. */
import type { Msg } from "nats";
import { EngineError } from "../errors.js";
import type { IncomingMessage, MessageOrigin, Topic } from "../messaging.js";
import { traceOf } from "../trace/trace-context.js";
import type { TraceContext } from "../trace/trace-context.js";
import { mayNameTrace, toRecord } from "./headers.js";

/** Stream, deliveries, sequence and stored, in the two forms that {@link originOf} names. */
const ACK_SUBJECT =
  /^\$JS\.ACK\.(?:[^.]+\.[^.]+\.)?([^.]+)\.[^.]+\.(\d+)\.(\d+)\.\d+\.(\d+)\.\d+(?:\.[^.]+)?$/;

/**
 * What JetStream writes into the reply subject of a delivered message. Reads both forms of it:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<stored>.<pending>` and, from
 * server 2.15 on, the same after `$JS.ACK.<domain>.<account hash>`; either with an optional last token.
 *
 * @throws EngineError `stop` when it is neither: the server speaks another protocol
 */
export function originOf(reply: string, streamCreatedAt: string): MessageOrigin {
  const [isAckSubject, stream = "", deliveries, sequence, storedAtNs = "0"] = ACK_SUBJECT.exec(reply) ?? [];
  if (isAckSubject === undefined) {
    throw new EngineError("bad_ack_subject", "stop", `NATS delivered a message with ack subject "${reply}"`);
  }
  return {
    stream,
    streamCreatedAt,
    sequence: Number(sequence),
    storedAtNs: BigInt(storedAtNs),
    deliveries: Number(deliveries),
  };
}

/** One message; headers are decoded when somebody asks for them. */
export class NatsIncomingMessage implements IncomingMessage {
  readonly topic: Topic;
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
  readonly origin: MessageOrigin;
  readonly #message: Msg;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(topic: Topic, message: Msg, origin: MessageOrigin) {
    this.topic = topic;
    this.isFrame = message.subject.endsWith(".frame");
    this.payload = message.data;
    this.origin = origin;
    this.#message = message;
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= toRecord(this.#message.headers));
  }

  get trace(): TraceContext | undefined {
    return mayNameTrace(this.#message) ? traceOf(this.headers) : undefined;
  }
}
