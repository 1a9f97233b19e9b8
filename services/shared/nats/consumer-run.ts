/**
 * One run of a consumer: messages in hand, their heartbeats, recovery, and the end.
 *
 * Requests are bounded so that messages asked for and messages in hand never exceed maxInFlight.
 * Their bytes are bounded by asking for fewer when they are large: the server's own limit, max_bytes of a
 * request, makes servers of version 2.9 deliver messages twice when one does not fit. Nothing is buffered unstarted, except a few after a recovery, whose lost requests turn out not to
 * be lost. Those wait with heartbeats, and at the end go back to the server at once, so that
 * another engine gets them without waiting for the ack wait.
 *
 * Waits are measured on a clock that only goes forward: setting the machine's clock must not keep
 * heartbeats or recovery back.
 */
import type { Msg } from "nats";
import { EngineError, messageOf } from "../errors.js";
import { InFlight } from "../in-flight.js";
import { MemoryPool } from "../memory-pool.js";
import type { ConsumerOptions, Handler, MessageOrigin } from "../messaging.js";
import type { Parker } from "../parking.js";
import { handleAndSettle } from "../settlement.js";
import type { SettlementContext } from "../settlement.js";
import { NatsIncomingMessage, originOf } from "./delivery.js";
import { ensureDurable, findDurable } from "./durable.js";
import { InHand } from "./in-hand.js";
import type { InHandOwner } from "./in-hand.js";
import type { Link, Warn } from "./link.js";
import { PullSubscription } from "./pull.js";
import type { RecordCounter } from "./record-counter.js";
import { durableOf, findStream } from "./topology.js";

/** How often heartbeats and recovery are looked at, unless the ack wait asks for more. */
const TICK_MS = 500;
/** Between two looks at a stream or durable that is in trouble. */
const RECOVER_EVERY_MS = 1_000;
/** A stream counts as gone when this many looks in a row did not find it. */
const MISSING_LOOKS = 3;
/** Time that parking gets to finish when the run is over. */
const PARK_GRACE_MS = 2_000;

/**
 * Messages asked for and not here yet, at most. They are small or large, which nobody knows before they
 * come: what was asked for while messages were small must not flood us when they are frames.
 */
const MAX_REQUESTED = 512;

/** What a consumer is made with. */
export interface NatsConsumerParts {
  readonly link: Link;
  readonly parker: Parker;
  readonly counter: RecordCounter;
  readonly stream: string;
  readonly namespace: string | undefined;
  readonly inboxPrefix: string;
  readonly trimEveryMs: number;
  readonly warn: Warn;
}

export class ConsumerRun {
  readonly #parts: NatsConsumerParts;
  readonly #options: ConsumerOptions;
  readonly #handler: Handler;
  readonly #pull: PullSubscription;
  readonly #inHand = new Map<number, InHand>();
  readonly #owner: InHandOwner;
  readonly #inFlight: InFlight;
  readonly #unstarted: InHand[] = [];
  readonly #parkGiveUp = new AbortController();
  readonly #settlement: SettlementContext;
  readonly #memory = new MemoryPool();
  #running = 0;
  #isEnding = false;
  #failure: EngineError | undefined;
  #streamCreatedAt = "";
  /** Why requests are held back until a look at the durable; undefined while all is well. */
  #trouble: string | undefined = "starting";
  #isLooking = false;
  #lookAtMs = 0;
  #missingLooks = 0;
  /** Woken when the run should end or a message was settled. */
  #wake: () => void = () => undefined;

  constructor(parts: NatsConsumerParts, options: ConsumerOptions, handler: Handler) {
    this.#parts = parts;
    this.#options = options;
    this.#handler = handler;
    this.#inFlight = new InFlight(options);
    this.#owner = { link: parts.link, onSettled: (taken, stop) => this.#onSettled(taken, stop) };
    const { parker, warn } = parts;
    this.#settlement = { parker, warn, parkSignal: this.#parkGiveUp.signal };
    this.#pull = new PullSubscription(parts.link, parts.stream, durableOf(options.topic), parts.inboxPrefix, {
      message: (message) => this.#take(message),
      ended: () => this.#topUp(),
      trouble: (reason) => this.#suspect(reason),
    });
  }

  /** @throws EngineError `stop` as {@link Consumer.run} */
  async run(signal: AbortSignal): Promise<void> {
    const { link } = this.#parts;
    const stopListening = link.listen({
      reconnected: () => this.#suspect("reconnected"),
      publishRefused: (subject) => this.#refused(subject),
      broken: (error) => this.#fail(error),
    });
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort);
    const tick = setInterval(() => this.#tick(), Math.min(TICK_MS, this.#options.ackWaitMs / 6));
    let giveUp: NodeJS.Timeout | undefined;
    try {
      if (link.broken !== undefined) throw link.broken;
      this.#tick();
      await this.#until(() => signal.aborted || this.#failure !== undefined);
      this.#isEnding = true;
      giveUp = setTimeout(() => this.#parkGiveUp.abort(), PARK_GRACE_MS);
      await this.#pull.drain(this.#options.nothingMore);
      for (const unstarted of this.#unstarted.splice(0)) this.#giveBack(unstarted);
      await this.#until(() => this.#running === 0);
      await link.flush();
    } finally {
      clearTimeout(giveUp);
      clearInterval(tick);
      signal.removeEventListener("abort", onAbort);
      stopListening();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #take(message: Msg): void {
    const reply = message.reply ?? "";
    const nowMs = performance.now();
    let origin: MessageOrigin;
    try {
      origin = originOf(reply, this.#streamCreatedAt);
    } catch (thrown) {
      this.#fail(EngineError.from(thrown));
      return;
    }
    const known = this.#inHand.get(origin.sequence);
    if (known !== undefined) {
      // Delivered again although we work on it: heartbeats got lost. One handler is enough.
      known.deliveredAgain(reply, nowMs);
      return;
    }
    const incoming = new NatsIncomingMessage(this.#options.topic, message, origin, this.#memory);
    const taken = new InHand(this.#owner, incoming, reply, nowMs);
    this.#inHand.set(origin.sequence, taken);
    this.#inFlight.taken(incoming.payload.length, nowMs);
    if (!this.#isEnding && this.#running < this.#options.maxInFlight) this.#work(taken);
    else this.#unstarted.push(taken);
    this.#topUp();
  }

  #work(taken: InHand): void {
    this.#running += 1;
    handleAndSettle(this.#handler, taken.message, taken, this.#settlement);
  }

  #onSettled(taken: InHand, stop: EngineError | undefined): void {
    this.#running -= 1;
    this.#forget(taken);
    if (stop !== undefined) this.#fail(stop);
    if (this.#isEnding || this.#failure !== undefined) {
      this.#wake();
      return;
    }
    const next = this.#unstarted.shift();
    if (next !== undefined) this.#work(next);
    else this.#topUp();
  }

  #forget(taken: InHand): void {
    const { origin, payload } = taken.message;
    this.#inHand.delete(origin.sequence);
    this.#inFlight.settled(payload.length, performance.now());
  }

  #giveBack(taken: InHand): void {
    this.#forget(taken);
    taken.redeliver(0);
  }

  /** Asks for what there is room for, in parts of a quarter so that requests stay few. */
  #topUp(): void {
    if (this.#trouble !== undefined || this.#isEnding) return;
    const { requested } = this.#pull;
    const room = Math.min(this.#inFlight.room(requested), MAX_REQUESTED - requested);
    const quarter = Math.min(this.#inFlight.limit, MAX_REQUESTED) >> 2;
    if (room >= Math.max(1, quarter)) this.#pull.request(room);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#beat(nowMs);
    if (this.#isEnding) return;
    if (this.#trouble === undefined && this.#pull.isSilent(nowMs)) this.#suspect("no sign of life");
    if (this.#trouble !== undefined && nowMs >= this.#lookAtMs) void this.#look();
    this.#topUp();
  }

  #beat(nowMs: number): void {
    const { link } = this.#parts;
    if (!link.isConnected) return;
    for (const taken of this.#inHand.values()) {
      if (nowMs - taken.beatAtMs >= this.#options.ackWaitMs / 3) taken.beat(nowMs);
    }
  }

  #suspect(reason: string): void {
    if (this.#isEnding) return;
    this.#trouble = reason;
    if (performance.now() >= this.#lookAtMs) void this.#look();
  }

  /** Checks stream and durable, makes the durable again if it is gone, and starts asking anew. */
  async #look(): Promise<void> {
    const { link, stream, warn } = this.#parts;
    if (this.#isLooking || !link.isConnected) return;
    this.#isLooking = true;
    this.#lookAtMs = performance.now() + RECOVER_EVERY_MS;
    try {
      if (await this.#isReady()) {
        this.#trouble = undefined;
        this.#pull.restart();
        this.#topUp();
      }
    } catch (thrown) {
      // Not up yet after a restart, or the link went down meanwhile: the next tick looks again.
      warn(
        { stream, trouble: this.#trouble },
        `cannot take messages from ${stream} yet: ${messageOf(thrown)}`,
      );
    } finally {
      this.#isLooking = false;
    }
  }

  async #isReady(): Promise<boolean> {
    const { link, stream, warn } = this.#parts;
    const { topic, ackWaitMs } = this.#options;
    const info = await findStream(link.jsm, stream);
    if (info === undefined) {
      this.#missingLooks += 1;
      if (this.#missingLooks >= MISSING_LOOKS) {
        const text = `NATS stream ${stream} was deleted; a restart of the engine makes an empty one`;
        this.#fail(new EngineError("stream_gone", "stop", text));
      }
      return false;
    }
    this.#missingLooks = 0;
    this.#streamCreatedAt = info.created;
    if ((await findDurable(link.jsm, stream, topic)) === undefined) {
      warn(
        { stream, durable: durableOf(topic) },
        `consumer ${durableOf(topic)} of ${stream} is gone; making it again`,
      );
      await ensureDurable(link.jsm, stream, topic, ackWaitMs);
    }
    return true;
  }

  /** Without these two permissions no message comes, or none is ever finished. */
  #refused(subject: string): void {
    if (subject !== this.#pull.subject && !subject.startsWith("$JS.ACK.")) return;
    const text = `NATS does not permit this user to publish to ${subject}`;
    this.#fail(new EngineError("not_permitted", "stop", text));
  }

  #fail(error: EngineError): void {
    this.#failure ??= error;
    this.#wake();
  }
}
