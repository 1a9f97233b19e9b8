/**
 * What is parked, to be looked at and dealt with. Interface only; `nats/` and `memory/` implement it
 * and pass the same contract suite.
 *
 * For whoever keeps accounts: the store holds what is parked *now*. An entry that is replayed or
 * dropped is removed from its stream without a trace there, while the stream's last sequence keeps
 * counting what was *ever* parked. A replayed record is published again as a new message of DATA or
 * RESULTS (its row is one more stored, or it is parked again as a new entry); a dropped one has no
 * successor, so `crunch parked drop` says how many records it took out of the account.
 */
import type { Topic } from "./messaging.js";
import type { OpenSubject } from "./parked-item.js";
import type { TraceContext } from "./trace/trace-context.js";

/** One parked item. */
export interface ParkedEntry {
  /** Its number in the store, which stays its own for ever. */
  readonly sequence: number;
  /** Names it among the entries of every store there ever was. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly parkedAtMs: number;
  readonly topic: Topic;
  /** What the bytes can be published on again; undefined when they never were a message. */
  readonly subject: OpenSubject | undefined;
  /** The original bytes; the half that is there when {@link isWhole} is false. */
  readonly payload: Uint8Array;
  /** False while the other half of a large item is missing. */
  readonly isWhole: boolean;
  /** Records in it as far as known without decoding, at least 1. */
  readonly records: number;
  readonly reason: string;
  /** Message and stack for people, in lines. */
  readonly error: string;
  /** The process that parked it; empty when the server itself did. */
  readonly engine: string;
  /** The message it came from; undefined when it never was one. */
  readonly origin: ParkedOrigin | undefined;
  /** The trace that it belongs to, if any. */
  readonly trace: TraceContext | undefined;
  /** Every message of the store that holds a part of it. */
  readonly sequences: readonly number[];
}

/** Where a parked message, or the message of a parked record, was stored. */
export interface ParkedOrigin {
  readonly stream: string;
  readonly sequence: number;
  readonly deliveries: number;
}

export interface ParkedStore {
  /**
   * What is parked at the time of the call, oldest first. What is parked or removed meanwhile does not
   * disturb the reading.
   *
   * @param fromSequence leaves out what has a smaller number. Default 1
   * @throws EngineError when the connection breaks
   */
  entries(fromSequence?: number): AsyncIterable<ParkedEntry>;

  /**
   * Takes an entry out for good. Idempotent: one that is gone already stays gone.
   *
   * @throws EngineError when the connection breaks; then part of the entry may be left
   */
  remove(entry: ParkedEntry): Promise<void>;
}
