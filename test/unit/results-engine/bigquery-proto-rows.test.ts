import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFileRegistry, create, fromBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import {
  ProtoRows,
  PROTO_FRAME,
  rowDescriptor,
} from "../../../services/results-engine/sinks/bigquery/proto-rows.js";
import { RowEncoder, pickRows } from "../../../services/results-engine/sinks/bigquery/rows.js";
import { ROW_COLUMNS } from "../../../services/results-engine/sinks/row-schema.js";
import type { PlainResult } from "../../support/bigquery-fixture.js";
import { STORED_AT_US, resultColumns } from "../../support/bigquery-fixture.js";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 6);
const FIRST_US = -62_135_596_800_000_000n;
const LAST_US = 253_402_300_799_999_999n;
const LIMITS = { maxRows: 1_000, maxBytes: 100_000 };

/** The message type that a descriptor describes, as another library reads it: proto2, with presence. */
function typeOf(upserts: boolean): DescMessage {
  const { name, field } = rowDescriptor(upserts);
  const message = create(DescriptorProtoSchema, {
    name,
    field: field.map((one) => ({
      name: one.name,
      number: one.number,
      label: FieldDescriptorProto_Label.REQUIRED,
      type: {
        TYPE_INT64: FieldDescriptorProto_Type.INT64,
        TYPE_STRING: FieldDescriptorProto_Type.STRING,
        TYPE_BOOL: FieldDescriptorProto_Type.BOOL,
        TYPE_DOUBLE: FieldDescriptorProto_Type.DOUBLE,
      }[one.type],
    })),
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "row.proto",
    syntax: "proto2",
    messageType: [message],
  });
  const type = createFileRegistry(file, () => undefined).getMessage("Row");
  assert.ok(type !== undefined);
  return type;
}

function encode(results: readonly PlainResult[], upserts: boolean) {
  const encoder = new RowEncoder(LIMITS, 1_000, false, new ProtoRows(upserts));
  const rows = encoder.rows({ parts: [resultColumns(results)], rows: results.length });
  const request = encoder.next(rows, NOW_MS);
  assert.ok(request !== undefined);
  return request;
}

function decode(request: ReturnType<typeof encode>, upserts: boolean): Record<string, unknown>[] {
  const type = typeOf(upserts);
  return Array.from({ length: request.count }, (_, index) => {
    const row = request.body.subarray(request.starts[index], request.ends[index]);
    const read = reflect(type, fromBinary(type, row));
    return Object.fromEntries(
      type.fields.map((field) => [field.name, read.isSet(field) ? read.get(field) : undefined]),
    );
  });
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const instant = fc.bigInt({ min: FIRST_US, max: LAST_US });
const result = fc.record({
  id: int64,
  data: int64,
  meta: fc.string({ unit: "binary", maxLength: 80 }),
  dTimeUs: instant,
  rData: int64,
  processTimeUs: instant,
});

describe("rows as protobuf", () => {
  it("have the columns of the row, in order, and what tells of a change behind them", () => {
    const names = (upserts: boolean): string[] => rowDescriptor(upserts).field.map(({ name }) => name);
    const columns = ROW_COLUMNS.map(({ name }) => name);
    assert.deepEqual(names(false), columns);
    assert.deepEqual(names(true), [...columns, "_CHANGE_TYPE", "_CHANGE_SEQUENCE_NUMBER"]);
  });

  for (const upserts of [false, true]) {
    it(`are read by another library as they were given${upserts ? ", upserts" : ""}`, () => {
      fc.assert(
        fc.property(fc.array(result, { minLength: 1, maxLength: 20 }), (results) => {
          const rows = decode(encode(results, upserts), upserts);
          const expected = results.map(({ id, data, meta, dTimeUs, rData, processTimeUs }) => ({
            ID: id,
            Data: data,
            Meta: Buffer.from(meta).toString(),
            DTimeStamp: dTimeUs,
            RData: rData,
            ProcessTime: processTimeUs,
            RTimeStamp: BigInt(NOW_MS) * 1_000n,
            Late: dTimeUs < BigInt(NOW_MS - 1_000) * 1_000n,
          }));
          assert.deepEqual(
            rows.map((row) => Object.fromEntries(ROW_COLUMNS.map(({ name }) => [name, row[name]]))),
            expected,
          );
        }),
      );
    });
  }

  it("have sequence numbers that sort as ProcessTime does, over all instants of a table", () => {
    const sequenceOf = (processTimeUs: bigint): string => {
      const [row] = decode(encode([{ id: 1n, processTimeUs }], true), true);
      assert.equal(row?._CHANGE_TYPE, "UPSERT");
      const sequence = String(row._CHANGE_SEQUENCE_NUMBER);
      assert.match(sequence, /^[0-9a-f]{16}\/[0-9a-f]{16}$/);
      return sequence;
    };
    assert.equal(sequenceOf(FIRST_US).slice(0, 16), "0".repeat(16));
    assert.equal(BigInt(`0x${sequenceOf(LAST_US).slice(0, 16)}`), LAST_US - FIRST_US);
    assert.equal(BigInt(`0x${sequenceOf(STORED_AT_US).slice(17)}`), BigInt(NOW_MS) * 1_000n);
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [first, second] = [sequenceOf(a), sequenceOf(b)];
        assert.equal(first < second, a < b);
        assert.equal(BigInt(`0x${first.slice(0, 16)}`), a - FIRST_US);
      }),
    );
  });

  it("fill a request up to its bytes, what frames each row included", () => {
    const results = Array.from({ length: 500 }, (_, index) => ({ id: BigInt(index), meta: "x".repeat(50) }));
    const encoder = new RowEncoder({ maxRows: 1_000, maxBytes: 10_000 }, 1_000, false, new ProtoRows(false));
    const rows = encoder.rows({ parts: [resultColumns(results)], rows: results.length });
    const sizes: number[] = [];
    let count = 0;
    for (let next = encoder.next(rows, NOW_MS); next; next = encoder.next(rows, NOW_MS)) {
      sizes.push(next.body.length + next.count * 6);
      count += next.count;
    }
    assert.equal(count, 500);
    assert.ok(sizes.every((size) => size <= 10_000));
    assert.ok(sizes.slice(0, -1).every((size) => size > 9_800));
  });

  it("are picked without a changed byte", () => {
    const results = Array.from({ length: 5 }, (_, index) => ({ id: BigInt(index), meta: "m".repeat(index) }));
    const request = encode(results, true);
    const picked = pickRows(request, [1, 4], PROTO_FRAME);
    const rowsOf = (one: typeof request): Buffer[] =>
      Array.from({ length: one.count }, (_, index) => one.body.subarray(one.starts[index], one.ends[index]));
    const all = rowsOf(request);
    assert.deepEqual(rowsOf(picked), [all[1], all[4]]);
    assert.deepEqual([...picked.rows], [1, 4]);
  });
});
