import type { MessageOrigin } from "../../shared/messaging.js";

/** One message to crunch, as bytes. */
export interface CrunchJob {
  readonly payload: Uint8Array;
  readonly isFrame: boolean;
  readonly origin: MessageOrigin;
}

/** A record that got no result. */
export interface FailedRecord {
  /** Place in its message, from 0. */
  readonly index: number;
  /** The record as a single MyData. */
  readonly payload: Uint8Array;
  readonly reason:
    "cruncher_threw" | "not_int64" | "invalid_record" | "timed_out" | "killed_thread" | "result_too_large";
  /** The stack, or the value and the limit. */
  readonly error: string;
}

/** What became of one message. */
export interface CrunchOutcome {
  /** A MyResult for a single, a MyResultFrame for a frame; undefined if no record got a result. */
  readonly resultPayload: Uint8Array | undefined;
  readonly resultCount: number;
  readonly failed: readonly FailedRecord[];
  /** Time the thread spent on the message, in milliseconds; of singles crunched together, an equal share of theirs. */
  readonly crunchMs: number;
}

/** Threads that crunch messages. */
export interface CrunchPool {
  readonly threads: number;
  /** Jobs given and not yet answered. */
  readonly jobsInHand: number;
  /**
   * Crunches every record of a message in one thread.
   *
   * @throws EngineError `park` when the bytes are no MyData or MyDataFrame
   */
  crunch(job: CrunchJob): Promise<CrunchOutcome>;
  /** Waits for the jobs in hand and ends the threads. Idempotent. */
  close(): Promise<void>;
}
