/**
 * consumer -> pool -> publisher, until `signal` aborts.
 *              `-> parker, for each record without a result
 *
 * A message is acked only after its results are stored and its failed records parked, so a crash
 * repeats work but loses none; what is repeated carries the same message ids and is stored once.
 */
import { EngineError } from "../shared/errors.js";
import type { Consumer, Handler, IncomingMessage, Publisher } from "../shared/messaging.js";
import { parkedIdOf } from "../shared/parking.js";
import type { Parker } from "../shared/parking.js";
import type { CrunchMetrics } from "./crunch-metrics.js";
import type { NamedCruncher } from "./crunchers/cruncher.js";
import type { CrunchOutcome, CrunchPool, FailedRecord } from "./pool/pool.js";
import { ResultsPublisher } from "./results-publisher.js";

/** Records of one message that are being parked at once: a whole frame may fail. */
const PARKS_IN_FLIGHT = 64;

export interface CrunchParts {
  readonly consumer: Consumer;
  readonly pool: CrunchPool;
  readonly publisher: Publisher;
  readonly parker: Parker;
  /** Aborts when a drain can wait no longer for room in PARKED; what is not parked comes again. */
  readonly parkGiveUp: AbortSignal;
  readonly cruncher: Pick<NamedCruncher, "name" | "version">;
  readonly metrics: CrunchMetrics;
}

export interface CrunchTotals {
  /** Records whose result is stored. */
  readonly crunched: number;
  /** Records and undecodable messages that were parked. */
  readonly parked: number;
}

/** @throws EngineError `stop` when the pool or the connection is broken */
export async function runCrunchPipeline(parts: CrunchParts, signal: AbortSignal): Promise<CrunchTotals> {
  const pipeline = new CrunchPipeline(parts);
  await parts.consumer.run(pipeline.handle, signal);
  return pipeline.totals;
}

class CrunchPipeline {
  readonly #parts: CrunchParts;
  readonly #results: ResultsPublisher;
  #crunched = 0;
  #undecodable = 0;

  constructor(parts: CrunchParts) {
    this.#parts = parts;
    this.#results = new ResultsPublisher(parts.publisher, parts.cruncher);
  }

  get totals(): CrunchTotals {
    return { crunched: this.#crunched, parked: this.#parts.parker.count + this.#undecodable };
  }

  readonly handle: Handler = async (message) => {
    const { metrics } = this.#parts;
    const outcome = await this.#crunch(message);
    const publishing = this.#results.publish(message, outcome);
    const parking = outcome.failed.length === 0 ? undefined : this.#park(message, outcome.failed);
    const [tooLarge] = parking === undefined ? [await publishing] : await Promise.all([publishing, parking]);
    if (tooLarge.length > 0) await this.#park(message, tooLarge);
    const crunched = outcome.resultCount - tooLarge.length;
    this.#crunched += crunched;
    metrics.records.inc(crunched);
    metrics.messages.inc({ kind: message.isFrame ? "frame" : "single" });
    metrics.duration.observe(outcome.crunchMs / 1_000);
  };

  async #crunch(message: IncomingMessage): Promise<CrunchOutcome> {
    const { pool, metrics } = this.#parts;
    const answer = pool.crunch(message);
    metrics.jobsInHand.set(pool.jobsInHand);
    try {
      return await answer;
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.action === "park") {
        this.#undecodable += 1;
        metrics.failedRecords.inc({ reason: error.code });
      }
      throw error;
    } finally {
      metrics.jobsInHand.set(pool.jobsInHand);
    }
  }

  /** Parks each record alone; resolves once all of them are stored. */
  async #park(message: IncomingMessage, failed: readonly FailedRecord[]): Promise<void> {
    const { parker, parkGiveUp, metrics } = this.#parts;
    const waiting = failed.values();
    const lane = async (): Promise<void> => {
      for (const { index, payload, reason, error } of waiting) {
        const id = parkedIdOf(message.origin, index);
        const { origin } = message;
        await parker.park({ topic: "data", subject: "data", payload, reason, error, id, origin }, parkGiveUp);
        metrics.failedRecords.inc({ reason });
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARKS_IN_FLIGHT, failed.length) }, lane));
  }
}
