import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { RowRequest } from "../../../services/results-engine/sinks/bigquery/rows.js";
import { INSERT_ALL_FRAME } from "../../../services/results-engine/sinks/bigquery/json-rows.js";
import { JsonRows } from "../../../services/results-engine/sinks/bigquery/json-rows.js";
import { RowEncoder, pickRows } from "../../../services/results-engine/sinks/bigquery/rows.js";
import { ROW_COLUMNS } from "../../../services/results-engine/sinks/row-schema.js";
import type { PlainResult } from "../../support/bigquery-fixture.js";
import { STORED_AT_US, resultColumns } from "../../support/bigquery-fixture.js";

const NOW_MS = Date.UTC(2026, 1, 28, 12);

interface Body {
  readonly rows: readonly {
    readonly insertId: string;
    readonly json: { readonly ID: string; readonly Meta: string };
  }[];
}

const parse = (request: RowRequest): Body => JSON.parse(request.body.toString("utf8")) as Body;

function encodeAll(encoder: RowEncoder, parts: readonly (readonly PlainResult[])[]) {
  const rows = encoder.rows({ parts: parts.map(resultColumns), rows: parts.flat().length });
  const requests: RowRequest[] = [];
  for (let request = encoder.next(rows, NOW_MS); request; request = encoder.next(rows, NOW_MS)) {
    requests.push(request);
  }
  return { requests, rejected: rows.rejected };
}

const anyResult = fc.record({ id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), meta: fc.string() });

describe("rows as request bodies", () => {
  it("hold every row once, in order, within both limits", () => {
    const anyParts = fc.array(fc.array(anyResult, { maxLength: 12 }), { maxLength: 5 });
    fc.assert(
      fc.property(
        anyParts,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 700, max: 3_000 }),
        (parts, maxRows, maxBytes) => {
          const { requests, rejected } = encodeAll(
            new RowEncoder({ maxRows, maxBytes }, 1, true, new JsonRows()),
            parts,
          );

          assert.deepEqual(rejected, []);
          assert.ok(requests.every(({ count, body }) => count <= maxRows && body.length <= maxBytes));
          const sent = requests.flatMap((request) =>
            parse(request).rows.map(({ json }, index) => {
              const from = parts[request.parts[index] ?? -1]?.[request.rows[index] ?? -1];
              assert.equal(json.ID, String(from?.id));
              return json.Meta;
            }),
          );
          assert.deepEqual(
            sent,
            parts.flat().map(({ meta }) => meta),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("give the same rows again when some are picked", () => {
    fc.assert(
      fc.property(
        fc.array(anyResult, { minLength: 1, maxLength: 9 }),
        fc.infiniteStream(fc.boolean()),
        (results, coin) => {
          const [request] = encodeAll(
            new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, true, new JsonRows()),
            [results],
          ).requests;
          assert.ok(request !== undefined);
          const all = parse(request).rows;
          const indexes = results.flatMap((_, index) => (coin.next().value ? [index] : []));

          const picked = pickRows(request, indexes, INSERT_ALL_FRAME);

          assert.deepEqual(
            parse(picked).rows,
            indexes.map((index) => all[index]),
          );
          assert.deepEqual([...picked.rows], indexes);
          if (indexes.length === results.length) assert.ok(picked.body.equals(request.body));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("have the columns of the row, in order", () => {
    const [request] = encodeAll(new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, true, new JsonRows()), [
      [{ id: 1n }],
    ]).requests;
    assert.ok(request !== undefined);

    assert.deepEqual(
      Object.keys(parse(request).rows[0]?.json ?? {}),
      ROW_COLUMNS.map(({ name }) => name),
    );
  });

  it("name a result the same on every redelivery, and otherwise when it was published again", () => {
    const encoder = new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, true, new JsonRows());
    const ids = (results: readonly PlainResult[]): string[] =>
      encodeAll(encoder, [results]).requests.flatMap((request) =>
        parse(request).rows.map(({ insertId }) => insertId),
      );

    const again = { id: -5n, rData: 9n, processTimeUs: STORED_AT_US + 77n };
    assert.deepEqual(ids([{ id: -5n }]), ids([again]));
    assert.deepEqual(ids([{ id: -5n }]), [`-5-${String(STORED_AT_US)}`]);
    assert.notDeepEqual(ids([{ id: -5n }]), ids([{ id: -5n, dTimeUs: STORED_AT_US + 1n }]));
    const longest = { id: -(2n ** 63n), dTimeUs: 253_402_300_799_999_999n };
    const [name] = new Array<string>().concat(
      encodeAll(new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, false, new JsonRows()), [
        [longest],
      ]).requests.flatMap((request) => parse(request).rows.map(({ insertId }) => insertId)),
    );
    assert.ok((name?.length ?? 999) <= 128);
  });

  it("leave out what a partitioned table cannot take, to the microsecond", () => {
    const oldest = BigInt(Date.UTC(2016, 1, 28, 12)) * 1000n;
    const newest = BigInt(Date.UTC(2027, 1, 28, 12)) * 1000n;
    const dTimes = [oldest - 1n, oldest, newest, newest + 1n, -(2n ** 62n), 2n ** 62n];

    const { requests, rejected } = encodeAll(
      new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, true, new JsonRows()),
      [dTimes.map((dTimeUs, index) => ({ id: BigInt(index), dTimeUs }))],
    );

    assert.deepEqual(
      requests.flatMap(({ rows, count }) => [...rows.subarray(0, count)]),
      [1, 2],
    );
    assert.deepEqual(
      rejected.map(({ row }) => row),
      [0, 3, 4, 5],
    );
  });

  it("leave out instants that no TIMESTAMP holds", () => {
    const tooFar = [2n ** 62n, -(2n ** 62n)];

    const { requests, rejected } = encodeAll(
      new RowEncoder({ maxRows: 9, maxBytes: 1e6 }, 1, false, new JsonRows()),
      [
        [
          ...tooFar.map((dTimeUs) => ({ id: 1n, dTimeUs })),
          ...tooFar.map((processTimeUs) => ({ id: 2n, processTimeUs })),
        ],
      ],
    );

    assert.equal(requests.length, 0);
    assert.match(
      rejected[0]?.reason ?? "",
      /DTimeStamp 4611686018427387904 us is outside of the years 1 to 9999/,
    );
    assert.match(rejected[3]?.reason ?? "", /ProcessTime -4611686018427387904 us is outside/);
  });
});
