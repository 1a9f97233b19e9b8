/**
 * Jobs of one request -> what their thread gets, and what it answered -> the end of each job. A frame is
 * a request of its own; singles that wait together are the entries of one frame, so that a thread decodes
 * and encodes them together and answers all of them at once.
 */
import { findEntries, frameOf } from "../../shared/codec/entries.js";
import { decodeRecords } from "../../shared/codec/record-codec.js";
import { WireReader } from "../../shared/codec/wire-reader.js";
import { EngineError, messageOf } from "../../shared/errors.js";
import type { CrunchOutcome, FailedRecord } from "./pool.js";
import type { FrameReply, FrameToCrunch, GivenUp } from "./thread-messages.js";
import type { PendingJob } from "./waiting-jobs.js";

const NO_BYTES = new Uint8Array(0);
const NONE_FAILED: readonly FailedRecord[] = [];
const NONE_GIVEN_UP: readonly GivenUp[] = [];

/** The bytes are a copy, fit for transfer. @param jobs one frame, or singles */
export function bundleOf(jobs: readonly PendingJob[]): FrameToCrunch {
  const [first] = jobs;
  if (first?.job.isFrame === true) {
    const { job, givenUp } = first;
    return { frame: new Uint8Array(job.payload), storedAtNs: job.origin.storedAtNs, givenUp };
  }
  return {
    frame: frameOf(jobs.map(({ job }) => job.payload)),
    storedAtNs: BigInt64Array.from(jobs, ({ job }) => job.origin.storedAtNs),
    givenUp: givenUpOfSingles(jobs),
  };
}

/** The job that record `index` of a bundle belongs to, and the record's place in that job's message. */
export function jobOfRecord(
  jobs: readonly PendingJob[],
  index: number,
): { readonly job: PendingJob; readonly index: number } | undefined {
  const [first] = jobs;
  if (first?.job.isFrame === true) return { job: first, index };
  const single = jobs[index];
  return single && { job: single, index: 0 };
}

/** Tells each job what became of it. */
export function settle(jobs: readonly PendingJob[], reply: FrameReply): void {
  const [first] = jobs;
  if (reply.type === "undecodable") {
    for (const { reject } of jobs) reject(new EngineError("undecodable", "park", reply.error));
  } else if (first?.job.isFrame === true) {
    first.resolve(reply.outcome);
  } else {
    settleSingles(jobs, reply.outcome);
  }
}

function settleSingles(singles: readonly PendingJob[], outcome: CrunchOutcome): void {
  const results = outcome.resultPayload ?? NO_BYTES;
  const { starts, ends } = findEntries(new WireReader(results), true, "MyResultFrame");
  const failures = new Map(outcome.failed.map((failed) => [failed.index, failed]));
  const crunchMs = outcome.crunchMs / singles.length;
  let result = 0;
  for (const [place, single] of singles.entries()) {
    const failure = failures.get(place);
    if (failure === undefined) {
      const resultPayload = results.subarray(starts[result], ends[result]);
      result += 1;
      single.resolve({ resultPayload, resultCount: 1, failed: NONE_FAILED, crunchMs });
    } else if (failure.reason === "invalid_record") {
      single.reject(new EngineError("undecodable", "park", whyUndecodable(single, failure)));
    } else {
      const failed = [{ ...failure, index: 0 }];
      single.resolve({ resultPayload: undefined, resultCount: 0, failed, crunchMs });
    }
  }
}

/** In the words that a single has by itself: among others its bytes lay elsewhere. */
function whyUndecodable({ job }: PendingJob, { error }: FailedRecord): string {
  try {
    decodeRecords(job.payload, false);
  } catch (thrown) {
    return messageOf(thrown);
  }
  return error;
}

function givenUpOfSingles(singles: readonly PendingJob[]): readonly GivenUp[] {
  // Nearly always, and asked for each request.
  if (singles.every(({ givenUp }) => givenUp.length === 0)) return NONE_GIVEN_UP;
  return singles.flatMap(({ givenUp }, index) => givenUp.map((given) => ({ ...given, index })));
}
