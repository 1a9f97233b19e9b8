import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { PoolOptions } from "../../services/crunch-engine/pool/piscina-pool.js";
import type { CrunchOutcome, FailedRecord } from "../../services/crunch-engine/pool/pool.js";
import { decodeResults } from "../../services/shared/codec/result-codec.js";
import type { TestRecord } from "./jobs.js";

/** Path of a cruncher under test/support/fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../test/support/fixtures/${name}`, import.meta.url));
}

/** Two threads whose cruncher does to them what a record's Meta says. */
export const troublesomePool: PoolOptions = {
  cruncher: fixture("troublesome.mjs"),
  version: "troublesome-1",
  threads: 2,
  timeoutMs: 300,
  loadTimeoutMs: 30_000,
  threadMaxMemoryMb: 64,
};

/** Good records, with one trouble at each of the given places. */
export function recordsWith(troubles: Readonly<Record<number, string>>, count = 20): TestRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    data: BigInt(index) * 10n,
    meta: troubles[index] ?? "",
  }));
}

export interface Answer {
  readonly id: bigint;
  readonly rData: bigint;
}

export function answersOf(outcome: CrunchOutcome, isFrame = true): Answer[] {
  if (outcome.resultPayload === undefined) return [];
  const results = decodeResults(outcome.resultPayload, isFrame);
  assert.equal(results.count, outcome.resultCount);
  return Array.from({ length: results.count }, (_, row) => ({
    id: results.ids[row] ?? -1n,
    rData: results.rData[row] ?? -1n,
  }));
}

export function failuresOf(outcome: CrunchOutcome): [number, FailedRecord["reason"]][] {
  return outcome.failed.map(({ index, reason }) => [index, reason]);
}

/** Every record of `recordsWith` got its RData, except those at `except`. */
export function assertOthersCrunched(outcome: CrunchOutcome, except: readonly number[], count = 20): void {
  const expected = Array.from({ length: count }, (_, index) => index)
    .filter((index) => !except.includes(index))
    .map((index) => ({ id: BigInt(index), rData: BigInt(index) * 10n }));
  assert.deepEqual(answersOf(outcome), expected);
}
