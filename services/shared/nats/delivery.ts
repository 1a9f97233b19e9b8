/** A delivered message of NATS as the engines see it. */
import type { Msg } from "nats";
import { EngineError } from "../errors.js";
import type { IncomingMessage, MessageOrigin, Topic } from "../messaging.js";
import { traceOf } from "../trace/trace-context.js";
import type { TraceContext } from "../trace/trace-context.js";
import { mayNameTrace, toRecord } from "./headers.js";

/** What JetStream writes into the reply subject of a delivered message. */
export interface AckSubject {
  readonly stream: string;
  readonly deliveries: number;
  readonly sequence: number;
  /** Nanoseconds since the epoch: beyond what a number holds exactly. */
  readonly storedAtNs: bigint;
}

/**
 * Reads both forms of the ack subject:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<stored>.<pending>` and, from
 * server 2.15 on, the same after `$JS.ACK.<domain>.<account hash>` and with an optional last token.
 *
 * @throws EngineError `stop` when it is neither: the server speaks another protocol
 */
export function parseAckSubject(reply: string): AckSubject {
  const tokens = reply.split(".");
  const offset = tokens.length === 9 ? 2 : 4;
  const isKnown = tokens.length === 9 || tokens.length === 11 || tokens.length === 12;
  const numbers = [tokens[offset + 2], tokens[offset + 3], tokens[offset + 5]];
  const isOurs = isKnown && tokens[0] === "$JS" && tokens[1] === "ACK";
  if (!isOurs || !numbers.every((text) => text !== undefined && /^\d+$/.test(text))) {
    throw new EngineError("bad_ack_subject", "stop", `NATS delivered a message with ack subject "${reply}"`);
  }
  return {
    stream: tokens[offset] ?? "",
    deliveries: Number(tokens[offset + 2]),
    sequence: Number(tokens[offset + 3]),
    storedAtNs: BigInt(tokens[offset + 5] ?? "0"),
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

  constructor(topic: Topic, message: Msg, ack: AckSubject, streamCreatedAt: string) {
    this.topic = topic;
    this.isFrame = message.subject.endsWith(".frame");
    this.payload = message.data;
    this.origin = { ...ack, streamCreatedAt };
    this.#message = message;
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= toRecord(this.#message.headers));
  }

  get trace(): TraceContext | undefined {
    return mayNameTrace(this.#message) ? traceOf(this.headers) : undefined;
  }
}
