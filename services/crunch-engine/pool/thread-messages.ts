/**
 * What the main thread and a crunching thread say to each other: exactly one reply per request. A
 * thread that dies replies nothing; its requests are made again elsewhere.
 */
import type { CrunchOutcome, FailedRecord } from "./pool.js";

/** What each thread is started with. */
export interface ThreadSettings {
  /** The setting CRUNCHER, for `loadCruncher`. */
  readonly cruncher: string;
  /** The version the engine started with: a thread started later must not crunch with another. */
  readonly version: string;
}

/** Main thread to crunching thread, with the memory of a {@link Progress}. */
export type ThreadRequest =
  /** Load the cruncher now rather than with the first job. */
  | { readonly type: "load"; readonly progress: SharedArrayBuffer }
  | (FrameToCrunch & { readonly type: "crunch"; readonly progress: SharedArrayBuffer });

/** A message that is a frame, or several that are singles, as the entries of one. */
export interface FrameToCrunch {
  /** A MyDataFrame. Its buffer is transferred. */
  readonly frame: Uint8Array;
  /** The instant the message was stored, in nanoseconds since the epoch; of singles one for each. */
  readonly storedAtNs: bigint | BigInt64Array;
  /** Records that are not to be tried again. */
  readonly givenUp: readonly GivenUp[];
}

/** A record that cost a thread its life or its time, so that it fails without being tried again. */
export interface GivenUp extends Pick<FailedRecord, "index" | "error"> {
  readonly reason: "timed_out" | "killed_thread";
}

/** Crunching thread to main thread. */
export type ThreadReply =
  | { readonly type: "loaded" }
  | FrameReply
  /** The cruncher cannot be loaded here although the engine could load it. */
  | { readonly type: "broken"; readonly error: string };

/** What became of a frame. */
export type FrameReply =
  | { readonly type: "crunched"; readonly outcome: CrunchOutcome }
  /** The bytes are no MyDataFrame. */
  | { readonly type: "undecodable"; readonly error: string };
