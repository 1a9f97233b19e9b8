/** The encoder of records, byte for byte against protobuf-es, and back. */
import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MyDataFrameSchema, MyDataSchema } from "../../../../proto/gen/messages_pb.js";
import {
  RecordFrameEncoder,
  decodeRecords,
  encodeRecord,
} from "../../../../services/shared/codec/record-codec.js";
import { RUNS, record } from "./arbitraries.js";
import { recordRows } from "./oracle.js";
import type { RecordValues } from "./oracle.js";
import { INT64_MAX, INT64_MIN } from "./wire-bytes.js";

const metasOfEdgeLengths = [
  "",
  "\0",
  "👩‍🚀",
  "é",
  "\ufeffx",
  ...[63, 64, 65, 127, 128, 129, 100_000].map((length) => "m".repeat(length)),
];

function frameOf(records: readonly RecordValues[]): Uint8Array {
  return toBinary(MyDataFrameSchema, create(MyDataFrameSchema, { records: [...records] }));
}

function encodeAll(encoder: RecordFrameEncoder, records: readonly RecordValues[]): Uint8Array {
  for (const { ID, Data, Meta } of records) encoder.add(ID, Data, Meta);
  return encoder.finish();
}

describe("encoding records", () => {
  test("gives the bytes of protobuf-es, frame after frame from one encoder", () => {
    const encoder = new RecordFrameEncoder(1);
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        deepStrictEqual(encodeAll(encoder, records), frameOf(records));
      }),
      { numRuns: RUNS },
    );
  });

  test("gives the bytes of protobuf-es for one record", () => {
    fc.assert(
      fc.property(record, (each) => {
        const { ID, Data, Meta } = each;
        deepStrictEqual(encodeRecord(ID, Data, Meta), toBinary(MyDataSchema, create(MyDataSchema, each)));
      }),
      { numRuns: RUNS },
    );
  });

  test("gives the bytes of protobuf-es where lengths and numbers change their size", () => {
    const numbers = [
      0n,
      1n,
      127n,
      128n,
      2n ** 32n - 1n,
      2n ** 32n,
      2n ** 53n + 1n,
      -1n,
      INT64_MIN,
      INT64_MAX,
    ];
    const records = metasOfEdgeLengths.flatMap((Meta) => numbers.map((ID) => ({ ID, Data: -ID - 1n, Meta })));
    // Entries of every length around 128 and 16384, where their length takes another byte.
    for (let length = 100; length < 130; length += 1)
      records.push({ ID: 5n, Data: 0n, Meta: "é".repeat(length / 2) + "x".repeat(length % 2) });
    for (let length = 16_370; length < 16_390; length += 1)
      records.push({ ID: 5n, Data: 0n, Meta: "x".repeat(length) });
    deepStrictEqual(encodeAll(new RecordFrameEncoder(), records), frameOf(records));
    deepStrictEqual(encodeAll(new RecordFrameEncoder(0), records), frameOf(records));
    deepStrictEqual(recordRows(decodeRecords(frameOf(records), true)), records);
  });

  test("makes text of another length in UTF-8 wherever it stands in a long text", () => {
    for (const character of ["é", "日", "😀"]) {
      for (const length of [1, 40, 64, 65, 5000]) {
        for (const place of [0, Math.floor(length / 2), length]) {
          const Meta = "m".repeat(place) + character + "m".repeat(length - place);
          deepStrictEqual(
            encodeAll(new RecordFrameEncoder(8), [{ ID: 1n, Data: 2n, Meta }]),
            frameOf([{ ID: 1n, Data: 2n, Meta }]),
          );
        }
      }
    }
  });

  test("makes room for a text of more bytes than characters, and for entries of megabytes", () => {
    const metas = [
      "日".repeat(5000),
      "é".repeat(64),
      ...[-20, -8, -1, 0].map((less) => "x".repeat(2 ** 21 + less)),
    ];
    for (const Meta of metas) {
      const records = [{ ID: 1n, Data: 2n, Meta }];
      strictEqual(Buffer.compare(encodeAll(new RecordFrameEncoder(0), records), frameOf(records)), 0);
    }
  });

  test("turns a lone surrogate into U+FFFD, so that what it writes can be read", () => {
    for (const Meta of ["\ud800", "a\udc00b", "\ud83d\ud83d\ude00", "x".repeat(100) + "\udbff"]) {
      const [row] = recordRows(decodeRecords(encodeRecord(1n, 2n, Meta), false));
      strictEqual(row?.Meta, Meta.toWellFormed());
    }
  });

  test("says how many records and bytes the frame under construction has", () => {
    const encoder = new RecordFrameEncoder();
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), (records) => {
        strictEqual(encoder.count, 0);
        strictEqual(encoder.sizeBytes, 0);
        records.forEach(({ ID, Data, Meta }, index) => {
          encoder.add(ID, Data, Meta);
          strictEqual(encoder.count, index + 1);
          strictEqual(encoder.sizeBytes, frameOf(records.slice(0, index + 1)).length);
        });
        encoder.finish();
      }),
      { numRuns: RUNS / 10 },
    );
  });

  test("gives each frame a buffer of its own, which the next frame leaves alone", () => {
    const encoder = new RecordFrameEncoder();
    const first = encodeAll(encoder, [{ ID: 1n, Data: 2n, Meta: "one" }]);
    const copy = first.slice();
    const second = encodeAll(encoder, [{ ID: 3n, Data: 4n, Meta: "two" }]);
    notStrictEqual(first.buffer, second.buffer);
    strictEqual(first.byteLength, first.buffer.byteLength);
    deepStrictEqual(first, copy);
  });
});
