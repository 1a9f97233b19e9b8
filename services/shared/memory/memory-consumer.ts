/** A stream in memory -> handlers, as many at once as allowed -> settled by the ack contract. */
import { EngineError } from "../errors.js";
import { InFlight } from "../in-flight.js";
import type { Consumer, ConsumerOptions, Handler, IncomingMessage } from "../messaging.js";
import type { Parker } from "../parking.js";
import { handleAndSettle } from "../settlement.js";
import { traceOf } from "../trace/trace-context.js";
import type { MemoryStream, StoredMessage } from "./memory-stream.js";

/** Longest sleep until a delayed message is looked at again: the clock may be a test's. */
const MAX_SLEEP_MS = 50;
/** Time that parking gets to finish when the run is over. */
const PARK_GRACE_MS = 2_000;

/** What a consumer is made with. */
export interface MemoryConsumerParts {
  readonly stream: MemoryStream;
  readonly parker: Parker;
  /** Aborts when the messaging is closed. */
  readonly closed: AbortSignal;
  readonly warn: (details: Readonly<Record<string, unknown>>, message: string) => void;
}

export class MemoryConsumer implements Consumer {
  readonly #parts: MemoryConsumerParts;
  readonly #options: ConsumerOptions;

  constructor(parts: MemoryConsumerParts, options: ConsumerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async run(handler: Handler, signal: AbortSignal): Promise<void> {
    const { stream, closed } = this.#parts;
    const parkGiveUp = new AbortController();
    let running = 0;
    const inFlight = new InFlight(this.#options);
    let failure: EngineError | undefined;
    let wake: () => void = () => undefined;
    const work = async (message: StoredMessage): Promise<void> => {
      running += 1;
      inFlight.taken(message.payload.length, performance.now());
      const stop = await this.#settle(handler, message, parkGiveUp.signal);
      failure ??= stop;
      running -= 1;
      inFlight.settled(message.payload.length, performance.now());
      wake();
    };
    const onChange = (): void => wake();
    const stopWatching = stream.watch(onChange);
    signal.addEventListener("abort", onChange);
    closed.addEventListener("abort", onChange);
    let giveUp: NodeJS.Timeout | undefined;
    for (;;) {
      const isOver = signal.aborted || closed.aborted || failure !== undefined;
      if (isOver) giveUp ??= setTimeout(() => parkGiveUp.abort(), PARK_GRACE_MS);
      if (isOver && running === 0) break;
      const next = isOver || inFlight.room(0) === 0 ? undefined : stream.take();
      if (next !== undefined) {
        void work(next);
        continue;
      }
      await new Promise<void>((resolve) => {
        const dueInMs = stream.dueInMs();
        const sleep =
          dueInMs === undefined ? undefined : setTimeout(resolve, Math.min(MAX_SLEEP_MS, dueInMs + 1));
        wake = () => {
          clearTimeout(sleep);
          resolve();
        };
      });
    }
    clearTimeout(giveUp);
    stopWatching();
    signal.removeEventListener("abort", onChange);
    closed.removeEventListener("abort", onChange);
    if (failure !== undefined) throw failure;
    if (closed.aborted && !signal.aborted) throw closedError();
  }

  async #settle(
    handler: Handler,
    message: StoredMessage,
    parkSignal: AbortSignal,
  ): Promise<EngineError | undefined> {
    const { stream, parker, warn } = this.#parts;
    const incoming: IncomingMessage = {
      topic: this.#options.topic,
      isFrame: message.subject.endsWith(".frame"),
      payload: message.payload,
      headers: message.headers,
      trace: traceOf(message.headers),
      origin: {
        stream: stream.name,
        streamCreatedAt: stream.createdAt,
        sequence: message.sequence,
        storedAtNs: message.storedAtNs,
        deliveries: message.deliveries,
      },
    };
    const ack = (): void => stream.ack(message);
    const redeliver = (delayMs: number): void => stream.redeliver(message, delayMs);
    const stop = await new Promise<EngineError | undefined>((settled) => {
      handleAndSettle(handler, incoming, { ack, redeliver, settled }, { parker, parkSignal, warn });
    });
    // Left unacked: as with NATS it comes again when the ack wait is over.
    if (stop !== undefined) stream.redeliver(message, this.#options.ackWaitMs);
    return stop;
  }
}

/** What a closed messaging answers. */
export function closedError(): EngineError {
  return new EngineError("memory_closed", "stop", "the in-memory messaging was closed");
}
