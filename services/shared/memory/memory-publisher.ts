/** publish -> a stream in memory; waits, in order, while the stream is full. */
import { EngineError } from "../errors.js";
import type { OutgoingMessage, Publisher, StoredConfirm, Subject } from "../messaging.js";
import type { MemoryStream } from "./memory-stream.js";

/** A message that waits for room. */
interface Waiting {
  readonly message: OutgoingMessage;
  readonly resolve: (confirm: StoredConfirm) => void;
  readonly reject: (error: EngineError) => void;
  readonly stopListening: () => void;
}

export class MemoryPublisher implements Publisher {
  readonly #streamOf: (subject: Subject) => MemoryStream;
  readonly #maxPayloadBytes: number;
  /** Per stream, in order of arrival. Bounded by what callers have in flight. */
  readonly #waiting = new Map<MemoryStream, Set<Waiting>>();
  #closed: EngineError | undefined;

  constructor(streamOf: (subject: Subject) => MemoryStream, maxPayloadBytes: number) {
    this.#streamOf = streamOf;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  publish(message: OutgoingMessage, signal?: AbortSignal): Promise<StoredConfirm> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) throw this.#closed;
      if (signal?.aborted === true) throw abortedError(message.subject);
      this.#checkSize(message);
      const stream = this.#streamOf(message.subject);
      const confirm = this.#isHeldBack(stream) ? undefined : tryStore(stream, message);
      if (confirm !== undefined) {
        resolve(confirm);
        return;
      }
      const onAbort = (): void => {
        this.#queueOf(stream).delete(waiting);
        reject(abortedError(message.subject));
      };
      const stopListening = (): void => signal?.removeEventListener("abort", onAbort);
      const waiting: Waiting = { message, resolve, reject, stopListening };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#queueOf(stream).add(waiting);
    });
  }

  blockedBy(): string | undefined {
    for (const [stream, queue] of this.#waiting) if (queue.size > 0) return `stream ${stream.name} is full`;
    return undefined;
  }

  /** Everything that waits is rejected with `error`, and so is everything from now on. */
  close(error: EngineError): void {
    this.#closed ??= error;
    for (const queue of this.#waiting.values()) {
      for (const waiting of queue) {
        waiting.stopListening();
        waiting.reject(error);
      }
      queue.clear();
    }
  }

  #checkSize(message: OutgoingMessage): void {
    const bytes = message.payload.length;
    if (bytes <= this.#maxPayloadBytes) return;
    throw new EngineError(
      "too_large",
      "stop",
      `a message of ${String(bytes)} bytes on ${message.subject} is larger than the limit of ${String(this.#maxPayloadBytes)}`,
    );
  }

  #isHeldBack(stream: MemoryStream): boolean {
    return (this.#waiting.get(stream)?.size ?? 0) > 0;
  }

  #queueOf(stream: MemoryStream): Set<Waiting> {
    let queue = this.#waiting.get(stream);
    if (queue === undefined) {
      const made = (queue = new Set<Waiting>());
      this.#waiting.set(stream, made);
      stream.watch(() => this.#storeWaiting(stream, made));
    }
    return queue;
  }

  #storeWaiting(stream: MemoryStream, queue: Set<Waiting>): void {
    for (const waiting of queue) {
      // Taken out first: storing is a change, which calls this function again.
      queue.delete(waiting);
      const confirm = tryStore(stream, waiting.message);
      if (confirm === undefined) {
        const later = [...queue];
        queue.clear();
        for (const each of [waiting, ...later]) queue.add(each);
        return;
      }
      waiting.stopListening();
      waiting.resolve(confirm);
    }
  }
}

function tryStore(stream: MemoryStream, message: OutgoingMessage): StoredConfirm | undefined {
  const outcome = stream.store(message.subject, message.messageId, message.payload, {
    ...message.headers,
    "Nats-Msg-Id": message.messageId,
  });
  return outcome === undefined ? undefined : { stream: stream.name, ...outcome };
}

function abortedError(subject: string): EngineError {
  return new EngineError("aborted", "stop", `publishing to ${subject} was aborted before it was stored`);
}
