/** Every few seconds: look at a stream and its consumers, remove what is finished. */
import { AckPolicy } from "nats";
import { messageOf } from "../errors.js";
import type { Topic } from "../messaging.js";
import { finishedUpTo } from "./ack-floor.js";
import type { AdvisoryCopier } from "./advisories.js";
import { listConsumers } from "./consumer-list.js";
import type { Link, Warn } from "./link.js";
import { DEDUPE_WINDOW_MS } from "./limits.js";
import type { RecordCounter } from "./record-counter.js";
import { trimUpTo } from "./stream-trim.js";
import { durableOf } from "./topology.js";
import { TrimPlanner } from "./trimming.js";
import type { StreamLook } from "./trimming.js";

/** A round that is wanted soon comes after this share of the usual time. */
const SOON = 1 / 5;

export interface TrimmerParts {
  readonly link: Link;
  readonly stream: string;
  readonly topic: Topic;
  /** Between two rounds, in milliseconds. */
  readonly everyMs: number;
  readonly warn: Warn;
  readonly copier: AdvisoryCopier;
  readonly counter: RecordCounter;
}

export class Trimmer {
  readonly #parts: TrimmerParts;
  readonly #closing = new AbortController();
  readonly #planner = new TrimPlanner(DEDUPE_WINDOW_MS);
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
    this.#schedule(parts.everyMs);
    // Meanwhile the stream may have become full.
    this.#stopListening = parts.link.listen({ reconnected: () => this.#hurry() });
  }

  /** Waits for a round under way. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopListening();
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** Jitter, so that many engines do not ask in step. */
  #schedule(afterMs: number): void {
    const start = (): void => {
      this.#timer = undefined;
      this.#round = this.#trim();
    };
    this.#timer = setTimeout(start, afterMs * (0.75 + Math.random() / 2));
  }

  /** A round under way has failed with the old connection, and looks again soon by itself. */
  #hurry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#schedule(this.#parts.everyMs * SOON);
  }

  async #trim(): Promise<void> {
    const { link, stream, everyMs, warn } = this.#parts;
    let nextMs = everyMs * SOON;
    try {
      if (link.isConnected) nextMs = await this.#trimOnce();
    } catch (thrown) {
      // The link is down or the stream gone; the consumer deals with both. The stream may be full, so
      // the next try is soon.
      if (!this.#closing.signal.aborted) warn({ stream }, `cannot trim yet: ${messageOf(thrown)}`);
    }
    if (!this.#closing.signal.aborted) this.#schedule(nextMs);
  }

  /** @returns when to look again, in milliseconds: sooner while the stream is filling up */
  async #trimOnce(): Promise<number> {
    const { link, stream, everyMs, copier, counter } = this.#parts;
    const look = await this.#look();
    // After the look: whatever its ack floors passed without being settled has its advisory by now.
    await copier.copyAll(this.#closing.signal);
    const upTo = this.#planner.removable(look, performance.now());
    if (upTo !== undefined) {
      await counter.keep(upTo);
      const { firstSequence, lastSequence } = look;
      const trimmed = { stream, firstSequence, upTo, lastSequence };
      await trimUpTo(link, trimmed, this.#closing.signal);
    }
    return look.bytes * 2 > look.maxBytes ? everyMs * SOON : everyMs;
  }

  async #look(): Promise<StreamLook> {
    const { link, stream, topic } = this.#parts;
    const { created, state, config } = await link.jsm.streams.info(stream);
    const ackFloors: number[] = [];
    let isDurableHere = false;
    for (const consumer of await listConsumers(link.nc, stream)) {
      // Readers that ack nothing, as those that count records, hold nothing back.
      if (consumer.config.ack_policy === AckPolicy.None) continue;
      ackFloors.push(finishedUpTo(consumer));
      isDurableHere ||= consumer.name === durableOf(topic);
    }
    return {
      createdAt: created,
      firstSequence: state.first_seq,
      lastSequence: state.last_seq,
      bytes: state.bytes,
      maxBytes: config.max_bytes,
      ackFloors: isDurableHere ? ackFloors : [],
    };
  }
}
