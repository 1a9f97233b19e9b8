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
import { ATTRIBUTE } from "../shared/trace/attributes.js";
import { during } from "../shared/trace/tracer.js";
import type { Span, Tracer } from "../shared/trace/tracer.js";
import type { CrunchMetrics } from "./crunch-metrics.js";
import type { NamedCruncher } from "./crunchers/cruncher.js";
import type { CrunchOutcome, CrunchPool, FailedRecord } from "./pool/pool.js";
import { ResultsPublisher } from "./results-publisher.js";

const FRAME = { kind: "frame" };
const SINGLE = { kind: "single" };

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
  readonly tracer: Tracer;
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
    this.#results = new ResultsPublisher(parts.publisher, parts.cruncher, parts.tracer);
  }

  get totals(): CrunchTotals {
    return { crunched: this.#crunched, parked: this.#parts.parker.count + this.#undecodable };
  }

  readonly handle: Handler = (message) => {
    const subject = message.isFrame ? "data.frame" : "data";
    const span = this.#parts.tracer.message("crunch", subject, message.trace);
    return during(span, () => this.#handle(message, span));
  };

  async #handle(message: IncomingMessage, span: Span): Promise<void> {
    const { metrics } = this.#parts;
    let outcome: CrunchOutcome;
    try {
      outcome = await this.#crunch(message, span);
    } catch (thrown) {
      this.#countParked(EngineError.from(thrown));
      throw thrown;
    }
    const publishing = this.#results.publish(message, outcome, span);
    const parking = outcome.failed.length === 0 ? undefined : this.#park(message, outcome.failed, span);
    // Whether it failed is asked below, and nobody may be there to hear it before.
    parking?.catch(() => undefined);
    let crunched = outcome.resultCount;
    try {
      await publishing;
    } catch (thrown) {
      const tooLarge = await this.#results.publishInParts(message, outcome, span, thrown);
      await this.#park(message, tooLarge, span);
      crunched -= tooLarge.length;
    }
    if (parking !== undefined) await parking;
    this.#crunched += crunched;
    metrics.records.inc(crunched);
    metrics.messages.inc(message.isFrame ? FRAME : SINGLE);
    metrics.duration.observe(outcome.crunchMs / 1_000);
  }

  #countParked({ action, code }: EngineError): void {
    if (action !== "park") return;
    this.#undecodable += 1;
    this.#parts.metrics.failedRecords.inc({ reason: code });
  }

  #crunch(message: IncomingMessage, span: Span): Promise<CrunchOutcome> {
    const answer = this.#parts.pool.crunch(message);
    return span.isRecorded ? this.#traced(answer, message, span) : answer;
  }

  /** The time in the pool, waiting included, as a step of its own. */
  #traced(answer: Promise<CrunchOutcome>, message: IncomingMessage, span: Span): Promise<CrunchOutcome> {
    const { cruncher, tracer } = this.#parts;
    const { stream, sequence, deliveries } = message.origin;
    span.set({
      [ATTRIBUTE.stream]: stream,
      [ATTRIBUTE.sequence]: sequence,
      [ATTRIBUTE.deliveries]: deliveries,
      [ATTRIBUTE.bodySize]: message.payload.length,
    });
    const inPool = tracer.inside("pool", span);
    return during(inPool, async () => {
      const outcome = await answer;
      const { resultCount, failed, crunchMs } = outcome;
      span.set({ [ATTRIBUTE.messageCount]: resultCount + failed.length, [ATTRIBUTE.failed]: failed.length });
      inPool.set({
        [ATTRIBUTE.cruncher]: cruncher.name,
        [ATTRIBUTE.cruncherVersion]: cruncher.version,
        [ATTRIBUTE.threadMs]: crunchMs,
      });
      return outcome;
    });
  }

  /** Parks each record alone; resolves once all of them are stored. */
  async #park(message: IncomingMessage, failed: readonly FailedRecord[], span: Span): Promise<void> {
    const { parker, parkGiveUp, metrics } = this.#parts;
    const waiting = failed.values();
    const lane = async (): Promise<void> => {
      for (const { index, payload, reason, error } of waiting) {
        const id = parkedIdOf(message.origin, index);
        const { origin } = message;
        const trace = span.context;
        await parker.park(
          { topic: "data", subject: "data", payload, reason, error, id, origin, trace },
          parkGiveUp,
        );
        metrics.failedRecords.inc({ reason });
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARKS_IN_FLIGHT, failed.length) }, lane));
  }
}
