import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { joinedParts } from "../../../services/results-engine/sinks/duckdb/joined-parts.js";
import { textAt } from "../../../services/shared/codec/columns.js";
import type { ResultColumns } from "../../../services/shared/codec/columns.js";

/** A part whose columns are longer than its count, as decoding leaves them. */
function partOf(first: number, metas: readonly string[]): ResultColumns {
  const column = (times: number): BigInt64Array =>
    BigInt64Array.from({ length: metas.length + 3 }, (_, row) => BigInt((first + row) * times));
  const encoded = metas.map((meta) => new TextEncoder().encode(meta));
  const starts = new Uint32Array(metas.length + 3);
  const ends = new Uint32Array(metas.length + 3);
  let used = 5;
  for (const [row, { length }] of encoded.entries()) {
    starts[row] = used;
    used += length;
    ends[row] = used;
  }
  const bytes = new Uint8Array([1, 2, 3, 4, 5, ...encoded.flatMap((text) => [...text]), 9]);
  return {
    count: metas.length,
    ids: column(1),
    data: column(2),
    dTimeStampsUs: column(3),
    rData: column(4),
    processTimesUs: column(5),
    meta: { bytes, starts, ends },
    own: [
      column(6),
      Uint8Array.from(column(7), (value) => Number(value % 2n)),
      Float64Array.from(column(8), (value) => Number(value) / 3),
      { bytes, starts, ends },
    ],
  };
}

function rowsOf(parts: readonly ResultColumns[]): string[] {
  return parts.flatMap((part) =>
    Array.from({ length: part.count }, (_, row) =>
      [
        ...[part.ids, part.data, part.dTimeStampsUs, part.rData, part.processTimesUs].map((column) =>
          String(column[row]),
        ),
        textAt(part.meta, row),
        ...part.own.map((column) => ("starts" in column ? textAt(column, row) : String(column[row]))),
      ].join(),
    ),
  );
}

describe("joining small parts", () => {
  it("keeps every row, in order, and no part too large", () => {
    const counts = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 400, max: 2_100 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(counts, fc.string({ unit: "grapheme" }), (sizes, meta) => {
        let first = 0;
        const parts = sizes.map((size) => {
          const metas = Array.from({ length: size }, (_, row) =>
            row % 3 === 0 ? "" : `${meta}${String(row)}`,
          );
          const part = partOf(first, metas);
          first += size;
          return part;
        });
        const joined = joinedParts(parts);
        assert.deepEqual(rowsOf(joined), rowsOf(parts));
        for (const { count } of joined) assert.ok(count <= 2_048 || sizes.includes(count));
      }),
      { numRuns: 50 },
    );
  });

  it("passes large parts on as they are, and makes one of thousands of singles", () => {
    const large = partOf(
      0,
      Array.from({ length: 512 }, () => "x"),
    );
    const singles = Array.from({ length: 2_048 }, (_, row) => partOf(row, ["y"]));
    const joined = joinedParts([large, ...singles, large]);
    assert.deepEqual(
      joined.map(({ count }) => count),
      [512, 2_048, 512],
    );
    assert.equal(joined[0], large);
  });
});
