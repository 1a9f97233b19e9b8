import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { textAt } from "../../../../services/shared/codec/columns.js";
import type { OwnColumn } from "../../../../services/shared/codec/columns.js";
import type { OwnField } from "../../../../services/shared/codec/own-fields.js";
import { decodeResults } from "../../../../services/shared/codec/result-codec.js";
import { ownJson } from "../../../../services/results-engine/sinks/bigquery/own-json.js";
import type { RowColumn } from "../../../../services/results-engine/sinks/row-schema.js";

const FIELDS: readonly OwnField[] = [
  { name: "Text", number: 7, type: "string" },
  { name: "Number", number: 8, type: "float64" },
  { name: "Flag", number: 9, type: "bool" },
  { name: "At", number: 300, type: "timestamp" },
  { name: "Big", number: 11, type: "int64" },
];

type Write = (writer: BinaryWriter) => unknown;

/** A MyResultFrame whose entries hold an ID and what is written to them. */
function frameOf(...entries: readonly Write[]): Uint8Array {
  const frame = new BinaryWriter();
  for (const [index, write] of entries.entries()) {
    const entry = new BinaryWriter();
    write(entry);
    entry.tag(1, WireType.Varint).int64(index + 1);
    frame.tag(1, WireType.LengthDelimited).bytes(entry.finish());
  }
  return frame.finish();
}

function valueAt(column: OwnColumn, row: number): unknown {
  return "starts" in column ? textAt(column, row) : column[row];
}

const rowOf = (own: readonly OwnColumn[], row: number): unknown[] =>
  own.map((column) => valueAt(column, row));
const timestamp = (writer: BinaryWriter, seconds: number): unknown =>
  writer
    .tag(300, WireType.LengthDelimited)
    .bytes(new BinaryWriter().tag(1, WireType.Varint).int64(seconds).finish());

const full: Write = (writer) => {
  writer.tag(11, WireType.Varint).int64(String(-(2n ** 63n)));
  writer.tag(7, WireType.LengthDelimited).string('é"\n');
  writer.tag(8, WireType.Bit64).double(-1e-300);
  writer.tag(9, WireType.Varint).bool(true);
  timestamp(writer, -1);
};

describe("own fields of a result", () => {
  it("are read by number, in any order; an absent one is the default", () => {
    const { count, own, invalid } = decodeResults(
      frameOf(full, () => undefined, full),
      true,
      FIELDS,
    );

    assert.deepEqual([count, invalid], [3, []]);
    const values = ['é"\n', -1e-300, 1, -1_000_000n, -(2n ** 63n)];
    assert.deepEqual(rowOf(own, 0), values);
    assert.deepEqual(rowOf(own, 1), ["", 0, 0, 0n, 0n]);
    assert.deepEqual(rowOf(own, 2), values);
  });

  it("leave nothing of a broken entry to its neighbours", () => {
    const { count, ids, own, invalid } = decodeResults(
      frameOf(
        (writer) => {
          full(writer);
          writer.tag(7, WireType.LengthDelimited).bytes(Uint8Array.of(0xff));
        },
        () => undefined,
        (writer) => {
          full(writer);
          timestamp(writer, 253_402_300_800);
        },
        (writer) => writer.tag(8, WireType.Varint).int64(5),
      ),
      true,
      FIELDS,
    );

    assert.deepEqual(
      invalid.map(({ error }) => error),
      ["Text is not UTF-8", "At of 253402300800 s lies outside the years 0001 to 9999"],
    );
    assert.deepEqual([count, [...ids.subarray(0, 2)]], [2, [2n, 4n]]);
    // A number of another wire type is a field that nobody knows.
    for (const row of [0, 1]) assert.deepEqual(rowOf(own, row), ["", 0, 0, 0n, 0n]);
  });

  it("are refused where a number is cut off", () => {
    const cut = Uint8Array.of((8 << 3) | 1, 1, 2, 3);
    assert.throws(() => decodeResults(cut, false, FIELDS), /Number is cut off/);
  });

  it("are no columns where there are none", () => {
    assert.deepEqual(decodeResults(frameOf(full), true, []).own, []);
  });

  it("are JSON that BigQuery reads back exactly", () => {
    const numbers = [0, -0, 0.1, 1e21, 5e-324, -1.7976931348623157e308, NaN, Infinity, -Infinity];
    const { own } = decodeResults(
      frameOf(
        full,
        ...numbers.map((number) => (writer: BinaryWriter) => writer.tag(8, WireType.Bit64).double(number)),
      ),
      true,
      FIELDS,
    );
    const schema = FIELDS.map(({ name, type }): RowColumn => ({ name, type, nullable: true }));
    const jsonOf = (row: number): Record<string, unknown> => {
      const writers = ownJson(own, schema);
      const bytes = Buffer.alloc(writers.reduce((sum, { room }) => sum + room(row), 0));
      const end = writers.reduce((at, { write }) => write(bytes, at, row), 0);
      return JSON.parse(`{${bytes.toString("utf8", 1, end)}}`) as Record<string, unknown>;
    };

    assert.deepEqual(jsonOf(0), {
      Text: 'é"\n',
      Number: -1e-300,
      Flag: true,
      At: "1969-12-31T23:59:59.000000Z",
      Big: String(-(2n ** 63n)),
    });
    const read = numbers.map((_, index) => Number(jsonOf(index + 1).Number));
    assert.ok(
      read.every((number, index) => Object.is(number, numbers[index])),
      read.join(),
    );
  });
});
