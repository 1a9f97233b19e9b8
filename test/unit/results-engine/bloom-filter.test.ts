import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BloomFilter } from "../../../services/results-engine/sinks/duckdb/bloom-filter.js";
import { mixed } from "../../support/mixed-ids.js";

const IDS = 200_000;

function knownOf(filter: BloomFilter, ids: BigInt64Array): number[] {
  const known: number[] = [];
  filter.addAll(ids, 0, ids.length, known);
  return known;
}

describe("BloomFilter", () => {
  it("never takes a known ID for a new one, across its growth", () => {
    const property = fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (ids) => {
      const filter = new BloomFilter(16);
      const column = BigInt64Array.from(ids);
      const first = new Set(knownOf(filter, column));
      const distinct = new Set<bigint>();
      for (const [place, id] of ids.entries()) {
        if (distinct.has(id)) assert.ok(first.has(place), `${String(id)} twice in one call`);
        distinct.add(id);
      }
      assert.equal(knownOf(filter, column).length, ids.length);
    });
    fc.assert(property, { numRuns: 300 });
  });

  const patterns: Readonly<Record<string, (index: number) => bigint>> = {
    "in order": (index) => BigInt(index),
    "in order beyond 2^53": (index) => 2n ** 60n + BigInt(index),
    "of every 4096th number": (index) => BigInt(index) * 4_096n,
    "that differ in their upper half only": (index) => BigInt(index) << 32n,
    "in two parts, as of a shard with a counter": (index) =>
      (BigInt(index & 0xff) << 48n) | BigInt(index >>> 8),
    "below zero": (index) => -BigInt(index) - 1n,
    "at random": mixed,
  };
  for (const [name, idOf] of Object.entries(patterns)) {
    it(`takes less than one in 500 new IDs ${name} for a known one`, () => {
      const filter = new BloomFilter(2 ** 16);
      const taken = knownOf(
        filter,
        BigInt64Array.from({ length: IDS }, (_, index) => idOf(index)),
      );
      assert.ok(taken.length < IDS / 500, `${String(taken.length)} of ${String(IDS)}`);
    });
  }
});
