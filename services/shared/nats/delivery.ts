/** A delivered message of NATS as the engines see it. */
import type { Msg } from "nats";
import { EngineError } from "../errors.js";
import type { MemoryPool } from "../memory-pool.js";
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
  const match = ACK_SUBJECT.exec(reply);
  if (match === null) {
    throw new EngineError("bad_ack_subject", "stop", `NATS delivered a message with ack subject "${reply}"`);
  }
  return {
    stream: match[1] ?? "",
    streamCreatedAt,
    sequence: Number(match[3]),
    storedAtNs: BigInt(match[4] ?? 0),
    deliveries: Number(match[2]),
  };
}

/**
 * Payloads from this size on lie in memory of our own. The client's holds up to twice as much, because it puts large
 * messages together from what the socket brings, and subject and headers keep another 64 kB of that.
 */
const COPIED_BYTES = 16_384;

/** One message; headers are decoded when somebody asks for them. */
export class NatsIncomingMessage implements IncomingMessage {
  readonly topic: Topic;
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
  readonly origin: MessageOrigin;
  /** Undefined for one that was copied. */
  readonly #message: Msg | undefined;
  readonly #memory: MemoryPool;
  #headers: Readonly<Record<string, string>> | undefined;

  /** @param memory for large payloads */
  constructor(topic: Topic, message: Msg, origin: MessageOrigin, memory: MemoryPool) {
    this.topic = topic;
    this.isFrame = message.subject.endsWith(".frame");
    this.origin = origin;
    this.#memory = memory;
    const { data } = message;
    if (data.length < COPIED_BYTES) {
      this.payload = data;
      this.#message = message;
      return;
    }
    this.payload = new Uint8Array(memory.take(data.length), 0, data.length);
    this.payload.set(data);
    this.#headers = toRecord(message.headers);
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= toRecord(this.#message?.headers));
  }

  get trace(): TraceContext | undefined {
    if (this.#message !== undefined && !mayNameTrace(this.#message)) return undefined;
    return traceOf(this.headers);
  }

  /** Gives the memory of the payload back, which nobody reads any more. */
  done(): void {
    if (this.#message === undefined) this.#memory.give(this.payload.buffer as ArrayBuffer);
  }
}
