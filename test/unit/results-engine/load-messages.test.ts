import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messagesOf } from "../../../services/results-engine/sinks/bigquery/load-messages.js";
import { textAt } from "../../../services/shared/codec/columns.js";
import type { OwnColumn, ResultColumns } from "../../../services/shared/codec/columns.js";
import { resultColumns } from "../../support/bigquery-fixture.js";

const THREE = resultColumns([1n, 2n, 3n].map((id) => ({ id, data: id * 10n, meta: `m${String(id)}` })));
const { meta } = THREE;
const OWN: readonly OwnColumn[] = [
  new BigInt64Array([7n, 8n, 9n]),
  new Uint8Array([0, 1, 0]),
  new Float64Array([0.5, 1.5, 2.5]),
  meta,
];

describe("the messages of a batch", () => {
  it("are one a part, or one a row where singles came together", () => {
    const parts = [THREE, { ...THREE, isOfSingles: true }];

    const messages = messagesOf({ parts, rows: 6 });

    assert.deepEqual(
      messages.map(({ part, places, columns }) => [part, places[0], columns.count]),
      [
        [0, 0, 3],
        [1, 0, 1],
        [1, 1, 1],
        [1, 2, 1],
      ],
    );
    assert.equal(new Set(messages.map(({ key }) => key)).size, 4);
  });

  it("have every column of a single, a user's own too", () => {
    const [, second] = messagesOf({ parts: [{ ...THREE, own: OWN, isOfSingles: true }], rows: 3 });

    const { columns } = second ?? {};
    assert.ok(columns);
    assert.deepEqual([columns.ids[0], columns.data[0], textAt(columns.meta, 0)], [2n, 20n, "m2"]);
    const [int64, bool, float64, text] = columns.own as [
      BigInt64Array,
      Uint8Array,
      Float64Array,
      typeof meta,
    ];
    assert.deepEqual([int64[0], bool[0], float64[0], textAt(text, 0)], [8n, 1, 1.5, "m2"]);
  });

  it("have the same key alone and together, and another with another DTimeStamp", () => {
    const keys = (columns: ResultColumns, isOfSingles: boolean): string[] =>
      messagesOf({ parts: [{ ...columns, isOfSingles }], rows: columns.count }).map(({ key }) => key);
    const alone = keys(resultColumns([{ id: 2n }]), false);

    assert.deepEqual(keys(resultColumns([{ id: 1n }, { id: 2n }]), true)[1], alone[0]);
    assert.notEqual(keys(resultColumns([{ id: 2n, dTimeUs: 5n }]), false)[0], alone[0]);
  });
});
