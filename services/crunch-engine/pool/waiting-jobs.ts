import type { CrunchJob, CrunchOutcome } from "./pool.js";
import type { GivenUp } from "./thread-messages.js";

/** A job in the pool's hands, with what earlier tries have taught about it. */
export interface PendingJob {
  readonly job: CrunchJob;
  readonly givenUp: GivenUp[];
  /** Threads that died while crunching a record, by the record's place in the message; absent while none did. */
  deaths: Map<number, number> | undefined;
  readonly resolve: (outcome: CrunchOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** Payload bytes that singles may share a request up to. */
const MAX_BUNDLE_BYTES = 262_144;

/** Jobs that wait for a thread, first come first served. */
export class WaitingJobs {
  #jobs: PendingJob[] = [];
  #first = 0;

  get size(): number {
    return this.#jobs.length - this.#first;
  }

  push(job: PendingJob): void {
    this.#jobs.push(job);
  }

  /** Puts jobs whose thread was lost before all others. */
  putBack(jobs: readonly PendingJob[]): void {
    this.#jobs.splice(0, this.#first, ...jobs);
    this.#first = 0;
  }

  /** The next frame alone, or the singles at the front, at most `maxSingles`; none if nothing waits. */
  take(maxSingles: number): PendingJob[] {
    const taken: PendingJob[] = [];
    let bytes = 0;
    for (let next = this.#jobs[this.#first]; next !== undefined; next = this.#jobs[this.#first]) {
      const { isFrame, payload } = next.job;
      bytes += payload.length;
      if (taken.length > 0 && (isFrame || taken.length >= maxSingles || bytes > MAX_BUNDLE_BYTES)) break;
      taken.push(next);
      this.#first += 1;
      if (isFrame) break;
    }
    this.#forgetTaken();
    return taken;
  }

  /** Frees what was taken, seldom enough to cost nothing. */
  #forgetTaken(): void {
    if (this.#first < 1_024 && this.#first < this.#jobs.length) return;
    this.#jobs = this.#jobs.slice(this.#first);
    this.#first = 0;
  }
}
