import { inspect } from "node:util";
import { decodeRecords } from "../../shared/codec/record-codec.js";
import type { DecodedRecords } from "../../shared/codec/record-codec.js";
import { ResultEncoder } from "../../shared/codec/result-codec.js";
import { EngineError } from "../../shared/errors.js";
import type { Cruncher } from "../crunchers/cruncher.js";
import { LazyRecord } from "./lazy-record.js";
import type { FailedRecord } from "./pool.js";
import type { Progress } from "./progress.js";
import type { FrameReply, FrameToCrunch } from "./thread-messages.js";
import { WallClock } from "./wall-clock.js";

/** Longest error text of one record; a stack of 40 frames fits. */
const MAX_ERROR_CHARS = 4_000;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** bytes of a frame -> each record crunched -> bytes of its results. What a thread does. */
export class MessageCruncher {
  readonly #crunch: Cruncher;
  readonly #encoder = new ResultEncoder();
  readonly #clock: WallClock;

  constructor(crunch: Cruncher, clock = new WallClock()) {
    this.#crunch = crunch;
    this.#clock = clock;
  }

  /** One frame at a time. */
  async crunch(request: FrameToCrunch, progress: Progress): Promise<FrameReply> {
    const startedAtMs = performance.now();
    let records: DecodedRecords;
    try {
      records = decodeRecords(request.frame, true);
    } catch (thrown) {
      if (thrown instanceof EngineError) return { type: "undecodable", error: thrown.message };
      throw thrown;
    }
    const failed: FailedRecord[] = records.invalid.map(({ index, bytes, error }) => ({
      index,
      payload: bytes.slice(),
      reason: "invalid_record",
      error,
    }));
    this.#clock.synchronise();
    await this.#crunchRecords(records, request, progress, failed);
    progress.leaveRecords();
    const resultCount = this.#encoder.count;
    const resultPayload = resultCount === 0 ? undefined : this.#encoder.finish();
    const crunchMs = performance.now() - startedAtMs;
    return { type: "crunched", outcome: { resultPayload, resultCount, failed, crunchMs } };
  }

  /** Waits only where the cruncher returns a promise: a wait per record would cost more than many crunchers. */
  async #crunchRecords(
    records: DecodedRecords,
    { storedAtNs, givenUp }: FrameToCrunch,
    progress: Progress,
    failed: FailedRecord[],
  ): Promise<void> {
    const crunch = this.#crunch;
    const encoder = this.#encoder;
    const storedAtNsOfEach = typeof storedAtNs === "bigint" ? undefined : storedAtNs;
    encoder.begin(records, typeof storedAtNs === "bigint" ? storedAtNs : 0n);
    for (let row = 0; row < records.count; row += 1) {
      const index = records.entryIndexes[row] ?? row;
      const given = givenUp.length === 0 ? undefined : givenUp.find((one) => one.index === index);
      if (given !== undefined) {
        failed.push(failureOf(records, row, given.reason, given.error));
        continue;
      }
      progress.enterRecord(index);
      let answer: ReturnType<Cruncher>;
      try {
        answer = crunch(new LazyRecord(records, row));
        if (typeof answer === "object") answer = await answer;
      } catch (thrown) {
        failed.push(failureOf(records, row, "cruncher_threw", textOfThrown(thrown)));
        continue;
      }
      const rData = int64Of(answer);
      if (rData === undefined) {
        failed.push(failureOf(records, row, "not_int64", notInt64Text(answer)));
        continue;
      }
      if (storedAtNsOfEach !== undefined) encoder.storedAt(storedAtNsOfEach[index] ?? 0n);
      encoder.add(row, rData, this.#clock.nowMs());
    }
  }
}

function failureOf(
  records: DecodedRecords,
  row: number,
  reason: FailedRecord["reason"],
  error: string,
): FailedRecord {
  // A copy: what is sent to the main thread must not drag the whole message along.
  const payload = records.payload.slice(records.entryStarts[row], records.entryEnds[row]);
  return { index: records.entryIndexes[row] ?? row, payload, reason, error };
}

/** The answer as an int64; undefined if it is none, or a number too large to be exact. */
export function int64Of(answer: unknown): bigint | undefined {
  if (typeof answer === "bigint") return answer >= MIN_INT64 && answer <= MAX_INT64 ? answer : undefined;
  return Number.isSafeInteger(answer) ? BigInt(answer as number) : undefined;
}

function notInt64Text(answer: unknown): string {
  const limit =
    typeof answer === "bigint"
      ? "a bigint from -2^63 to 2^63 - 1"
      : "a bigint, or a whole number from -(2^53 - 1) to 2^53 - 1";
  return `RData=${shown(answer).slice(0, 200)} must be ${limit}`;
}

/** The stack of an error, or whatever else was thrown, as text. */
export function textOfThrown(thrown: unknown): string {
  return shown(thrown).slice(0, MAX_ERROR_CHARS);
}

function shown(value: unknown): string {
  try {
    if (value instanceof Error && typeof value.stack === "string") return value.stack;
    return inspect(value);
  } catch {
    // A user's object may throw from its own getters.
    return "something that cannot be shown";
  }
}
