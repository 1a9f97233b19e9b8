import { createHash } from "node:crypto";
import { decodeRecords } from "../shared/codec/record-codec.js";
import { decodeResults } from "../shared/codec/result-codec.js";
import { EngineError } from "../shared/errors.js";
import { HEADER } from "../shared/messaging.js";
import type { IncomingMessage, Publisher, StoredConfirm } from "../shared/messaging.js";
import { originName } from "../shared/origin-name.js";
import { ATTRIBUTE } from "../shared/trace/attributes.js";
import { during } from "../shared/trace/tracer.js";
import type { Span, Tracer } from "../shared/trace/tracer.js";
import type { NamedCruncher } from "./crunchers/cruncher.js";
import type { CrunchOutcome, FailedRecord } from "./pool/pool.js";

/** Some of the results of a message, `from` the how-manieth on. */
interface Part {
  readonly payload: Uint8Array;
  readonly from: number;
  readonly count: number;
}

/** A part of one result that the server does not take. */
interface TooLarge {
  readonly part: Part;
  readonly thrown: EngineError;
}

/** outcome of one message -> RESULTS, under ids that name message and cruncher for ever. */
export class ResultsPublisher {
  readonly #publisher: Publisher;
  readonly #crunchedBy: string;
  readonly #tracer: Tracer;

  constructor(publisher: Publisher, cruncher: Pick<NamedCruncher, "name" | "version">, tracer: Tracer) {
    this.#publisher = publisher;
    this.#tracer = tracer;
    this.#crunchedBy = idTextOf(`${cruncher.name}@${cruncher.version}`);
  }

  /**
   * Resolves once the results are stored.
   *
   * @param crunching the step that made the results
   * @throws EngineError `too_large` when they are more than the server takes in one message, as a frame of results is
   *   larger than its frame of records: then {@link publishInParts}
   */
  publish(message: IncomingMessage, outcome: CrunchOutcome, crunching: Span): Promise<unknown> {
    const whole = wholeOf(outcome);
    if (whole === undefined) return Promise.resolve();
    return this.#send(message.isFrame, whole, this.#idOf(message, outcome), crunching);
  }

  /**
   * Resolves once the results are stored that the server takes.
   *
   * @param thrown by {@link publish}; thrown again if it is another failure
   * @returns records whose result alone is larger than the server takes
   */
  async publishInParts(
    message: IncomingMessage,
    outcome: CrunchOutcome,
    crunching: Span,
    thrown: unknown,
  ): Promise<readonly FailedRecord[]> {
    const whole = wholeOf(outcome);
    if (whole === undefined || !isTooLarge(thrown)) throw thrown;
    const id = this.#idOf(message, outcome);
    const tooLarge =
      whole.count > 1 ? await this.#sendParts(whole, id, crunching) : [{ part: whole, thrown }];
    return tooLarge.length === 0 ? [] : recordsOf(message, outcome, tooLarge);
  }

  #idOf(message: IncomingMessage, { failed }: CrunchOutcome): string {
    return `${originName(message.origin)}-${this.#crunchedBy}${lackText(failed)}`;
  }

  /** Of a frame. @returns the parts of one result that are too large still */
  async #sendParts(whole: Part, id: string, crunching: Span): Promise<readonly TooLarge[]> {
    const tooLarge: TooLarge[] = [];
    const parts: Part[] = halvesOf(whole);
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const partId = `${id}-${String(part.from)}-${String(part.count)}`;
      try {
        await this.#send(true, part, partId, crunching);
      } catch (thrown) {
        if (!isTooLarge(thrown)) throw thrown;
        if (part.count > 1) parts.push(...halvesOf(part));
        else tooLarge.push({ part, thrown });
      }
    }
    return tooLarge;
  }

  #send(isFrame: boolean, part: Part, messageId: string, crunching: Span): Promise<StoredConfirm> {
    const subject = isFrame ? "results.frame" : "results";
    const { payload, count } = part;
    const records = { [HEADER.records]: String(count) };
    if (!crunching.isRecorded) {
      // In a trace that nobody records the results name its last step that was made.
      const headers = crunching.context === undefined ? records : { ...records, ...crunching.context };
      return this.#publisher.publish({ subject, payload, messageId, headers });
    }
    const span = this.#tracer.message("publish", subject, crunching.context);
    span.set({
      [ATTRIBUTE.messageCount]: count,
      [ATTRIBUTE.messageId]: messageId,
      [ATTRIBUTE.bodySize]: payload.length,
    });
    const headers = { ...records, ...span.context };
    return during(span, () => this.#publisher.publish({ subject, payload, messageId, headers }));
  }
}

function wholeOf({ resultPayload, resultCount }: CrunchOutcome): Part | undefined {
  return resultPayload && { payload: resultPayload, from: 0, count: resultCount };
}

function isTooLarge(thrown: unknown): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === "too_large";
}

/**
 * Names the records that have no result. What fails on one engine may succeed on the next: results with
 * it must not pass for those without it, which the stream may have already.
 */
function lackText(failed: readonly FailedRecord[]): string {
  if (failed.length === 0) return "";
  const indexes = failed.map(({ index }) => index).sort((a, b) => a - b);
  return `-without-${createHash("sha256").update(indexes.join()).digest("hex").slice(0, 16)}`;
}

/** Fit for a header and short, whatever a user calls file and version. */
function idTextOf(crunchedBy: string): string {
  if (/^[\w.@+-]{1,64}$/.test(crunchedBy)) return crunchedBy;
  return createHash("sha256").update(crunchedBy).digest("hex").slice(0, 24);
}

function halvesOf(part: Part): [Part, Part] {
  const firstCount = part.count >> 1;
  // Entries of a frame lie back to back: each begins where the one before it ends.
  const cut = decodeResults(part.payload, true).entryEnds[firstCount - 1] ?? 0;
  return [
    { payload: part.payload.subarray(0, cut), from: part.from, count: firstCount },
    { payload: part.payload.subarray(cut), from: part.from + firstCount, count: part.count - firstCount },
  ];
}

/** The records behind some results: results come in the order of the records that did not fail. */
function recordsOf(
  message: IncomingMessage,
  outcome: CrunchOutcome,
  wanted: readonly TooLarge[],
): FailedRecord[] {
  const records = decodeRecords(message.payload, message.isFrame);
  const failed = new Set(outcome.failed.map((record) => record.index));
  const rows = Array.from({ length: records.count }, (_, row) => row).filter(
    (row) => !failed.has(records.entryIndexes[row] ?? row),
  );
  return wanted.map(({ part, thrown }) => {
    const row = rows[part.from] ?? 0;
    return {
      index: records.entryIndexes[row] ?? row,
      payload: message.payload.subarray(records.entryStarts[row], records.entryEnds[row]),
      reason: "result_too_large",
      error: thrown.message,
    };
  });
}
