import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { IdSet } from "../../../services/results-engine/sinks/duckdb/id-set.js";
import { mixed, mixedIds } from "../../support/mixed-ids.js";
import { tempFolder } from "../../support/temp-folder.js";

const folder = tempFolder();
after(() => folder.remove());
const prefix = join(folder.path, "ids-");

/** Adds calls one after the other and holds every answer against a set that remembers all. */
function compare(calls: readonly (readonly bigint[])[]): void {
  const ids = new IdSet(prefix, 16);
  const seen = new Set<bigint>();
  for (const call of calls) {
    ids.addAll(BigInt64Array.from(call));
    const before = seen.size;
    for (const id of call) seen.add(id);
    assert.equal(ids.wereNew(), seen.size === before + call.length, call.map(String).join(", "));
  }
  ids.close();
}

describe("IdSet", () => {
  it("knows new IDs from known ones, whatever they are", () => {
    const around = [-(2n ** 63n), -(2n ** 53n) - 5n, -5n, 2n ** 32n - 5n, 2n ** 53n - 5n, 2n ** 63n - 11n];
    const near = fc
      .tuple(fc.constantFrom(...around), fc.bigInt({ min: 0n, max: 10n }))
      .map(([base, add]) => base + add);
    const id = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), near);
    const property = fc.property(fc.array(fc.array(id, { maxLength: 9 }), { maxLength: 30 }), compare);
    fc.assert(property, { numRuns: 300 });
  });

  it("knows new IDs from known ones where they are counted up", () => {
    const around = [-(2n ** 63n), -(2n ** 53n), -20n, 0n, 2n ** 32n - 50n, 2n ** 53n - 50n, 2n ** 63n - 200n];
    const run = fc.tuple(
      fc.constantFrom(...around),
      fc.integer({ min: 0, max: 99 }),
      fc.integer({ min: 1, max: 99 }),
    );
    const call = fc
      .array(run, { maxLength: 3 })
      .map((runs) =>
        runs.flatMap(([base, first, count]) =>
          Array.from({ length: count }, (_, at) => base + BigInt(first + at)),
        ),
      );
    fc.assert(fc.property(fc.array(call, { maxLength: 12 }), compare), { numRuns: 500 });
  });

  it("finds a known ID among two million, in memory and on disk", () => {
    const ids = new IdSet(prefix);
    for (let first = 0; first < 2_000_000; first += 100_000) {
      ids.addAll(mixedIds(first, first + 100_000));
      assert.ok(ids.wereNew(), `from the ${String(first)}th on`);
    }
    for (let known = 0; known < 2_000_000; known += 9_973) {
      ids.addAll(BigInt64Array.of(mixed(-known - 1), mixed(known)));
      assert.equal(ids.wereNew(), false, `the ${String(known)}th`);
    }
    ids.close();
  });

  it("leaves nothing in the folder", () => {
    const ids = new IdSet(prefix);
    ids.addAll(mixedIds(0, 2_000_000));
    assert.deepEqual(readdirSync(folder.path), []);
    ids.close();
    ids.close();
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it("keeps in memory what it cannot write, and writes it when it can", () => {
    const absent = join(folder.path, "absent");
    const ids = new IdSet(join(absent, "ids-"));
    for (const [first, end] of [
      [0, 2_000_000],
      [2_000_000, 4_000_000],
    ] as const) {
      ids.addAll(mixedIds(first, end));
      assert.ok(ids.wereNew());
      for (const known of [0, 777_777, end - 1]) {
        ids.addAll(mixedIds(known, known + 1));
        assert.equal(ids.wereNew(), false, `the ${String(known)}th of ${String(end)}`);
      }
      mkdirSync(absent, { recursive: true });
    }
    ids.close();
  });
});
