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

/** Main thread to crunching thread. */
export type ThreadRequest =
  /** Load the cruncher now rather than with the first job. */
  | { readonly type: "load" }
  | {
      readonly type: "crunch";
      readonly jobs: readonly ThreadJob[];
      /** The payloads of the jobs, back to back. Its buffer is transferred. */
      readonly payloads: Uint8Array;
      /** Memory of a {@link Progress}. */
      readonly progress: SharedArrayBuffer;
    };

/** One message to crunch. */
export interface ThreadJob {
  readonly payloadBytes: number;
  readonly isFrame: boolean;
  readonly storedAtNs: bigint;
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
  /** One outcome per job, in order. */
  | { readonly type: "crunched"; readonly outcomes: readonly ThreadOutcome[] }
  /** The cruncher cannot be loaded here although the engine could load it. */
  | { readonly type: "broken"; readonly error: string };

export type ThreadOutcome =
  | { readonly type: "done"; readonly outcome: CrunchOutcome }
  /** The payload is no MyData or MyDataFrame. */
  | { readonly type: "undecodable"; readonly error: string };
