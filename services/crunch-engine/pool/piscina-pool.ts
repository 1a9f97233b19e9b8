import { Piscina } from "piscina";
import { EngineError, messageOf } from "../../shared/errors.js";
import { bundleOf, jobOfRecord, settle } from "./bundle.js";
import { Pace } from "./pace.js";
import type { CrunchJob, CrunchOutcome, CrunchPool } from "./pool.js";
import { LOADING, Progress } from "./progress.js";
import type { Position } from "./progress.js";
import { StuckWatch, samePosition } from "./stuck-watch.js";
import type { ThreadReply, ThreadRequest, ThreadSettings } from "./thread-messages.js";
import { WaitingJobs } from "./waiting-jobs.js";
import type { PendingJob } from "./waiting-jobs.js";

/** A record whose thread dies this often is given up. */
const MAX_DEATHS = 2;
/** Threads lost in a row without a record to blame, per thread, after which the cruncher is broken. */
const MAX_BLAMELESS_LOSSES = 8;

export interface PoolOptions extends ThreadSettings {
  readonly threads: number;
  /** A record that takes longer is given up and its thread replaced, in milliseconds. */
  readonly timeoutMs: number;
  /** A thread that takes longer to load the cruncher ends the pool, in milliseconds. */
  readonly loadTimeoutMs: number;
  /** JavaScript heap of a thread in MiB; a thread that needs more dies. */
  readonly threadMaxMemoryMb: number;
  /** Told of each thread that was lost and is being replaced. */
  readonly onThreadLost?: (why: string) => void;
}

/** One request in a thread's hands. */
interface Request {
  readonly jobs: readonly PendingJob[];
  readonly progress: Progress;
  /** The record whose thread was ended for being stuck on it. */
  stuckAt: Position | undefined;
}

/**
 * Jobs -> requests -> threads -> outcomes. Requests go to the threads as bytes and their buffers are
 * handed over, not copied; nothing here is done per record.
 *
 * A job whose thread is lost is crunched again, without the record that was being crunched if that
 * one took too long, or if it has now cost two threads.
 */
export class PiscinaPool implements CrunchPool {
  readonly threads: number;
  readonly #options: PoolOptions;
  readonly #piscina: Piscina<ThreadRequest, ThreadReply>;
  readonly #waiting = new WaitingJobs();
  readonly #running = new Set<Request>();
  readonly #pace = new Pace();
  readonly #watch: StuckWatch;
  /** Threads that were ended for being stuck; what else they had is not to blame. */
  readonly #endedThreads = new Set<number>();
  #soon: NodeJS.Immediate | undefined;
  #jobsInHand = 0;
  #blamelessLosses = 0;
  /** Why no job can be crunched any more. */
  #broken: string | undefined;
  #closing: Promise<void> | undefined;
  #isEnded = false;
  #onIdle: (() => void) | undefined;

  /**
   * Starts the threads and loads the cruncher in each.
   *
   * @throws EngineError `stop` if the cruncher cannot be loaded in a thread
   */
  static async start(options: PoolOptions): Promise<PiscinaPool> {
    const pool = new PiscinaPool(options);
    try {
      await Promise.all(Array.from({ length: options.threads }, () => pool.#load()));
    } catch (thrown) {
      await pool.close();
      throw thrown;
    }
    return pool;
  }

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.threads = options.threads;
    this.#watch = new StuckWatch(options, (progress, position) => this.#onStuck(progress, position));
    this.#piscina = new Piscina<ThreadRequest, ThreadReply>({
      filename: new URL("./crunch-thread.js", import.meta.url).href,
      name: "crunch",
      minThreads: options.threads,
      maxThreads: options.threads,
      concurrentTasksPerWorker: 2,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: options.threadMaxMemoryMb },
      workerData: { cruncher: options.cruncher, version: options.version } satisfies ThreadSettings,
    });
    // A thread that dies with nothing in hand: a timer of the user's that threw after its record was done.
    this.#piscina.on("error", (thrown) => options.onThreadLost?.(messageOf(thrown)));
    this.#piscina.on("workerDestroy", () => setImmediate(() => this.#countThreads()));
  }

  get jobsInHand(): number {
    return this.#jobsInHand;
  }

  crunch(job: CrunchJob): Promise<CrunchOutcome> {
    if (this.#closing !== undefined) {
      return Promise.reject(new EngineError("pool_closed", "retry", "the pool takes no more jobs"));
    }
    this.#jobsInHand += 1;
    return new Promise<CrunchOutcome>((resolve, reject) => {
      this.#waiting.push({ job, givenUp: [], deaths: undefined, resolve, reject });
      if (job.isFrame) this.#handOut();
      // A request for each single would cost more than crunching it: those that arrive together go together.
      else this.#soon ??= setImmediate(() => this.#handOut());
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#jobsInHand > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#watch.close();
    this.#isEnded = true;
    await this.#piscina.destroy();
  }

  async #load(): Promise<void> {
    const progress = new Progress();
    let why: string;
    this.#watch.add(progress);
    try {
      const reply = await this.#piscina.run({ type: "load", progress: progress.memory });
      if (reply.type !== "broken") return;
      why = reply.error;
    } catch (thrown) {
      why = this.#broken ?? messageOf(thrown);
    } finally {
      this.#watch.remove(progress);
    }
    throw new EngineError("cruncher_broken", "stop", `a thread cannot load the cruncher: ${why}`);
  }

  #handOut(): void {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    while (this.#broken !== undefined && this.#waiting.size > 0) {
      this.#failAll(this.#waiting.take(this.#waiting.size), this.#broken);
    }
    while (this.#waiting.size > 0 && this.#running.size < this.threads * this.#pace.requestsPerThread) {
      const jobs = this.#waiting.take(this.#pace.maxSinglesPerRequest);
      void this.#request({ jobs, progress: new Progress(), stuckAt: undefined });
    }
  }

  /** Never rejects: how it went is told to the jobs. */
  async #request(request: Request): Promise<void> {
    this.#running.add(request);
    this.#watch.add(request.progress);
    let reply: ThreadReply | undefined;
    let why: unknown;
    try {
      const bundle = bundleOf(request.jobs);
      reply = await this.#piscina.run(
        { type: "crunch", progress: request.progress.memory, ...bundle },
        { transferList: [bundle.frame.buffer as ArrayBuffer] },
      );
    } catch (thrown) {
      why = thrown;
    }
    this.#running.delete(request);
    this.#watch.remove(request.progress);
    if (reply === undefined) this.#onLost(request, why);
    else this.#onReply(request, reply);
    this.#handOut();
  }

  #onReply({ jobs }: Request, reply: ThreadReply): void {
    this.#blamelessLosses = 0;
    if (reply.type === "loaded" || reply.type === "broken") {
      const why = reply.type === "broken" ? reply.error : "it answered out of turn";
      this.#failAll(jobs, `a thread cannot load the cruncher: ${why}`);
      return;
    }
    settle(jobs, reply);
    this.#settled(jobs.length);
    const crunchMs = reply.type === "crunched" ? reply.outcome.crunchMs : 0;
    this.#pace.measured(crunchMs, jobs.length, jobs[0]?.job.isFrame === true);
  }

  /** The thread died, or was ended, with the request in its hands. */
  #onLost(request: Request, thrown: unknown): void {
    if (this.#broken !== undefined) {
      this.#failAll(request.jobs, this.#broken);
      return;
    }
    const position = request.progress.position();
    const crunched = position.record < 0 ? undefined : jobOfRecord(request.jobs, position.record);
    if (crunched === undefined) {
      this.#blamelessLosses += 1;
    } else {
      this.#blamelessLosses = 0;
      this.#blame(crunched, position, request.stuckAt, thrown);
    }
    if (this.#blamelessLosses > MAX_BLAMELESS_LOSSES * this.threads) {
      this.#failAll(request.jobs, `threads die without crunching anything: ${messageOf(thrown)}`);
      return;
    }
    this.#waiting.putBack(request.jobs);
  }

  #blame(
    { job, index }: { readonly job: PendingJob; readonly index: number },
    position: Position,
    stuckAt: Position | undefined,
    thrown: unknown,
  ): void {
    if (stuckAt !== undefined && samePosition(stuckAt, position)) {
      const error = `no RData within CRUNCH_TIMEOUT_MS=${String(this.#options.timeoutMs)}`;
      job.givenUp.push({ index, reason: "timed_out", error });
      this.#options.onThreadLost?.(error);
      return;
    }
    if (this.#endedThreads.has(position.threadId)) return;
    const why = this.#whyDied(thrown);
    this.#options.onThreadLost?.(why);
    job.deaths ??= new Map();
    const deaths = (job.deaths.get(index) ?? 0) + 1;
    job.deaths.set(index, deaths);
    if (deaths < MAX_DEATHS) return;
    const error = `${String(deaths)} threads died of this record: ${why}`;
    job.givenUp.push({ index, reason: "killed_thread", error });
  }

  #whyDied(thrown: unknown): string {
    if ((thrown as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY") {
      return `it needed more than THREAD_MAX_MEMORY_MB=${String(this.#options.threadMaxMemoryMb)}`;
    }
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
  }

  #onStuck(progress: Progress, position: Position): void {
    if (position.record === LOADING) {
      this.#break(`the cruncher was not loaded within ${String(this.#options.loadTimeoutMs)} ms by a thread`);
      return;
    }
    for (const request of this.#running) {
      if (request.progress === progress) request.stuckAt = position;
    }
    this.#endedThreads.add(position.threadId);
    const thread = this.#piscina.threads.find((one) => one.threadId === position.threadId);
    void thread?.terminate();
  }

  /**
   * A thread that dies before it is ready is not replaced, and no other is from then on. What waits for one would wait for
   * ever, and be kept from other engines.
   */
  #countThreads(): void {
    if (this.#isEnded || this.#piscina.threads.length >= this.threads) return;
    this.#break("a thread died and another could not be started in its place");
  }

  /** Fails what waits and what is being crunched: another engine may do better. */
  #break(why: string): void {
    this.#broken ??= why;
    void this.#piscina.destroy();
    this.#handOut();
  }

  #failAll(jobs: readonly PendingJob[], why: string): void {
    for (const { reject } of jobs) reject(new EngineError("cruncher_broken", "stop", why));
    this.#settled(jobs.length);
  }

  #settled(jobs: number): void {
    this.#jobsInHand -= jobs;
    if (this.#jobsInHand === 0) this.#onIdle?.();
  }
}
