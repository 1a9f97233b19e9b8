/** A delivered message of NATS as the engines see it. */
import type { Msg } from "nats";
import { EngineError } from "../errors.js";
import type { MemoryPool } from "../memory-pool.js";
import type { IncomingMessage, MessageOrigin, Topic } from "../messaging.js";
import { traceOf } from "../trace/trace-context.js";
import type { TraceContext } from "../trace/trace-context.js";
import { headerBytesOf, mayNameTrace, readHeaders } from "./headers.js";

/** Stream, deliveries, sequence and stored, in the two forms that {@link originOf} names; the shorter is tried first. */
const ACK_SUBJECT =
  /^\$JS\.ACK\.(?:[^.]+\.[^.]+\.)??([^.]+)\.[^.]+\.(\d+)\.(\d+)\.\d+\.(\d+)\.\d+(?:\.[^.]+)?$/;

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
 * Messages from this size on lie in memory of our own. The client's holds up to twice as much, because it puts large
 * messages together from what the socket brings.
 */
const COPIED_BYTES = 16_384;

/**
 * One message; headers are decoded when somebody asks for them. It does not keep the library's message, whose eight
 * objects would live as long.
 */
export class NatsIncomingMessage implements IncomingMessage {
  readonly topic: Topic;
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
  readonly origin: MessageOrigin;
  readonly #headerBytes: number;
  /** Where the memory of a large one came from. */
  readonly #pool: MemoryPool | undefined;
  #headers: Readonly<Record<string, string>> | undefined;

  /** @param pool memory for large messages */
  constructor(topic: Topic, message: Msg, origin: MessageOrigin, pool: MemoryPool) {
    const { data } = message;
    const isLarge = data.length >= COPIED_BYTES;
    this.topic = topic;
    this.isFrame = message.subject.endsWith(".frame");
    this.origin = origin;
    this.#headerBytes = headerBytesOf(message, data);
    this.payload = isLarge ? copyOf(data, this.#headerBytes, pool) : data;
    this.#pool = isLarge ? pool : undefined;
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= readHeaders(this.payload, this.#headerBytes));
  }

  get trace(): TraceContext | undefined {
    return mayNameTrace(this.payload, this.#headerBytes) ? traceOf(this.headers) : undefined;
  }

  /** Gives the memory of a large message back, which nobody reads any more. */
  done(): void {
    this.#pool?.give(this.payload.buffer as ArrayBuffer);
  }
}

/** @returns the payload, with its headers before it again */
function copyOf(
  { buffer, byteOffset, length }: Uint8Array,
  headerBytes: number,
  pool: MemoryPool,
): Uint8Array {
  const bytes = headerBytes + length;
  const copy = new Uint8Array(pool.take(bytes), 0, bytes);
  copy.set(new Uint8Array(buffer, byteOffset - headerBytes, bytes));
  return copy.subarray(headerBytes);
}
