/** Every few seconds: look at a stream and its consumers, remove what is finished. */
import { messageOf } from "../errors.js";
import type { Topic } from "../messaging.js";
import type { Link, Warn } from "./link.js";
import { DEDUPE_WINDOW_MS, durableOf } from "./topology.js";
import { TrimPlanner } from "./trimming.js";
import type { StreamLook } from "./trimming.js";

export class Trimmer {
  readonly #link: Link;
  readonly #stream: string;
  readonly #durable: string;
  readonly #everyMs: number;
  readonly #warn: Warn;
  readonly #planner = new TrimPlanner(DEDUPE_WINDOW_MS);
  #timer: NodeJS.Timeout;
  #round: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(link: Link, stream: string, topic: Topic, everyMs: number, warn: Warn) {
    this.#link = link;
    this.#stream = stream;
    this.#durable = durableOf(topic);
    this.#everyMs = everyMs;
    this.#warn = warn;
    this.#timer = this.#schedule(everyMs);
  }

  /** Waits for a round under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** Jitter, so that many engines do not ask in step. */
  #schedule(everyMs: number): NodeJS.Timeout {
    const start = (): void => void (this.#round = this.#trim());
    return setTimeout(start, everyMs * (0.75 + Math.random() / 2));
  }

  async #trim(): Promise<void> {
    let nextMs = this.#everyMs;
    try {
      if (this.#link.isConnected) nextMs = await this.#trimOnce();
    } catch (thrown) {
      // The link is down or the stream gone; the consumer deals with both, the next round tries again.
      if (!this.#isClosed) this.#warn({ stream: this.#stream }, `cannot trim yet: ${messageOf(thrown)}`);
    }
    if (!this.#isClosed) this.#timer = this.#schedule(nextMs);
  }

  /** @returns when to look again, in milliseconds: sooner while the stream is filling up */
  async #trimOnce(): Promise<number> {
    const look = await this.#look();
    const upTo = this.#planner.removable(look, performance.now());
    // The server removes what is below `seq`, not `seq` itself.
    if (upTo !== undefined) await this.#link.jsm.streams.purge(this.#stream, { seq: upTo + 1 });
    return look.bytes * 2 > look.maxBytes ? this.#everyMs / 5 : this.#everyMs;
  }

  async #look(): Promise<StreamLook> {
    const { streams, consumers } = this.#link.jsm;
    const { created, state, config } = await streams.info(this.#stream);
    const ackFloors: number[] = [];
    let isDurableHere = false;
    for await (const consumer of consumers.list(this.#stream)) {
      ackFloors.push(consumer.ack_floor.stream_seq);
      isDurableHere ||= consumer.name === this.#durable;
    }
    return {
      createdAt: created,
      firstSequence: state.first_seq,
      bytes: state.bytes,
      maxBytes: config.max_bytes,
      ackFloors: isDurableHere ? ackFloors : [],
    };
  }
}
