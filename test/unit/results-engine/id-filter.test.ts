import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { IdFilter } from "../../../services/results-engine/sinks/duckdb/id-filter.js";

const IDS = 200_000;

/** Mixes all 64 bits, so that the numbers look random and are all different. */
function mixed(index: number): bigint {
  const spread = BigInt.asUintN(64, BigInt(index) * 0x9e3779b97f4a7c15n);
  return BigInt.asIntN(64, (spread ^ (spread >> 29n)) * 0xbf58476d1ce4e5b9n);
}

describe("IdFilter", () => {
  it("never takes a known ID for a new one, across its growth", () => {
    const property = fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (ids) => {
      const filter = new IdFilter(16);
      const column = BigInt64Array.from(ids);
      const first = new Set(filter.addAll(column));
      const distinct = new Set<bigint>();
      for (const [place, id] of ids.entries()) {
        if (distinct.has(id)) assert.ok(first.has(place), `${String(id)} twice in one call`);
        distinct.add(id);
      }
      assert.equal(filter.addAll(column).length, ids.length);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("never takes a known ID for a new one where IDs are counted up", () => {
    const around = [-(2n ** 63n), -(2n ** 53n), -20n, 0n, 2n ** 32n - 50n, 2n ** 53n - 50n, 2n ** 63n - 200n];
    const run = fc.tuple(
      fc.constantFrom(...around),
      fc.integer({ min: 0, max: 99 }),
      fc.integer({ min: 1, max: 99 }),
    );
    const call = fc
      .array(run, { maxLength: 5 })
      .map((runs) =>
        runs.flatMap(([base, first, count]) =>
          Array.from({ length: count }, (_, at) => base + BigInt(first + at)),
        ),
      );
    const property = fc.property(fc.array(call, { maxLength: 12 }), (calls) => {
      const filter = new IdFilter(16);
      const seen = new Set<bigint>();
      for (const ids of calls) {
        const known = new Set(filter.addAll(BigInt64Array.from(ids)));
        for (const [place, id] of ids.entries()) {
          if (seen.has(id)) assert.ok(known.has(place), `${String(id)} again`);
          seen.add(id);
        }
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("takes no new ID for a known one while they are counted up, in whatever order the runs come", () => {
    const filter = new IdFilter(16);
    const runs = Array.from({ length: 1_000 }, (_, run) => (run % 2 === 0 ? run + 1 : run - 1));
    for (const run of runs) {
      const ids = BigInt64Array.from({ length: 100 }, (_, at) => BigInt(run * 100 + at));
      assert.deepEqual(filter.addAll(ids), []);
    }
  });

  it("takes less than one in 500 for a known one where they are counted up beyond 2^53, frame by frame", () => {
    const filter = new IdFilter(2 ** 16);
    let taken = 0;
    for (let first = 0; first < IDS; first += 100) {
      const ids = BigInt64Array.from({ length: 100 }, (_, at) => 2n ** 60n + BigInt(first + at));
      taken += filter.addAll(ids).length;
    }
    assert.ok(taken < IDS / 500, `${String(taken)} of ${String(IDS)}`);
  });

  const patterns: Readonly<Record<string, (index: number) => bigint>> = {
    "in order": (index) => BigInt(index),
    "of every 4096th number": (index) => BigInt(index) * 4_096n,
    "that differ in their upper half only": (index) => BigInt(index) << 32n,
    "in two parts, as of a shard with a counter": (index) =>
      (BigInt(index & 0xff) << 48n) | BigInt(index >>> 8),
    "below zero": (index) => -BigInt(index) - 1n,
    "at random": mixed,
  };
  for (const [name, idOf] of Object.entries(patterns)) {
    it(`takes less than one in 500 new IDs ${name} for a known one`, () => {
      const filter = new IdFilter(2 ** 16);
      const taken = filter.addAll(BigInt64Array.from({ length: IDS }, (_, index) => idOf(index)));
      assert.ok(taken.length < IDS / 500, `${String(taken.length)} of ${String(IDS)}`);
    });
  }
});
