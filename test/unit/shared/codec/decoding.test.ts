/** What decoding records and results have in common: every rule of the wire format. */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RUNS, looseFrameBytes, looseRecordBytes, looseResultBytes, mutated } from "./arbitraries.js";
import { expectedOf, isUndecodable, recordKind, resultKind } from "./oracle.js";
import type { Kind } from "./oracle.js";
import {
  INT64_MAX,
  INT64_MIN,
  bytesField,
  concat,
  groupField,
  tag,
  textField,
  varint,
  varintField,
} from "./wire-bytes.js";

function check<Values>(kind: Kind<Values>, payload: Uint8Array, isFrame: boolean): void {
  const before = payload.slice();
  const expected = expectedOf(kind, payload, isFrame);
  if (expected === undefined) {
    throws(() => kind.decode(payload, isFrame), isUndecodable);
  } else {
    const decoded = kind.decode(payload, isFrame);
    const invalid = decoded.invalid.map(({ index, bytes }) => ({ index, bytes: bytes.slice(), error: "" }));
    deepStrictEqual({ ...decoded, invalid }, expected);
    strictEqual(
      decoded.invalid.every(({ error }) => error.length > 0),
      true,
      "each invalid entry has its error",
    );
  }
  deepStrictEqual(payload, before, "decoding leaves the payload as it was");
}

suite(recordKind, looseRecordBytes);
suite(resultKind, looseResultBytes);

function suite<Values>(kind: Kind<Values>, entryBytes: fc.Arbitrary<Uint8Array>): void {
  const both = (payload: Uint8Array): void => {
    check(kind, payload, false);
    check(kind, bytesField(1, payload), true);
    check(kind, payload, true);
  };
  const property = (bytes: fc.Arbitrary<Uint8Array>, isFrame: boolean, numRuns = RUNS): void =>
    fc.assert(
      fc.property(bytes, (payload) => check(kind, payload, isFrame)),
      { numRuns },
    );

  describe(`decoding a ${kind.name}`, () => {
    test("takes fields in any order, repeated, padded and among unknown ones, as protobuf-es does", () => {
      property(entryBytes, false);
    });
    test("takes a frame with unknown fields between its entries, as protobuf-es does", () => {
      property(looseFrameBytes(entryBytes), true);
    });
    test("of mutated bytes accepts what is well-formed and refuses the rest", () => {
      property(mutated(entryBytes), false, 3 * RUNS);
    });
    test("of a frame with mutated entries sets aside the broken ones alone", () => {
      property(looseFrameBytes(fc.oneof(entryBytes, mutated(entryBytes))), true, 2 * RUNS);
    });
    test("of a mutated frame never fails but as undecodable", () => {
      property(mutated(looseFrameBytes(entryBytes)), true, 3 * RUNS);
    });
    test("of any bytes never fails but as undecodable", () => {
      property(fc.uint8Array({ maxLength: 60 }), false, 2 * RUNS);
      property(fc.uint8Array({ maxLength: 60 }), true, 2 * RUNS);
    });
    test("of bytes that end early refuses or sets aside, wherever they end", () => {
      fc.assert(
        fc.property(entryBytes, (entry) => {
          const frame = concat([bytesField(1, entry), bytesField(1, entry)]);
          for (let end = 0; end < frame.length; end += 1) check(kind, frame.slice(0, end), true);
          for (let end = 0; end < entry.length; end += 1) check(kind, entry.slice(0, end), false);
        }),
        { numRuns: RUNS / 20 },
      );
    });
    test("reads a payload that lies inside a larger buffer", () => {
      fc.assert(
        fc.property(looseFrameBytes(entryBytes), fc.integer({ min: 1, max: 9 }), (frame, offset) => {
          const around = new Uint8Array(frame.length + offset + 9).fill(0xff);
          around.set(frame, offset);
          check(kind, around.subarray(offset, offset + frame.length), true);
        }),
        { numRuns: RUNS / 5 },
      );
    });
    test("of no bytes at all is a record of zeros as a single and no record as a frame", () => {
      strictEqual(kind.decode(new Uint8Array(), false).rows.length, 1);
      strictEqual(kind.decode(new Uint8Array(), true).rows.length, 0);
      both(new Uint8Array());
    });
    test("keeps every int64, also as a varint of ten bytes", () => {
      for (const value of [0n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, INT64_MIN, INT64_MAX]) {
        const entry = concat([varintField(1, value), varintField(2, value, 9)]);
        both(entry);
        const [row] = kind.decode(entry, false).rows as readonly unknown[] as { ID: bigint; Data: bigint }[];
        deepStrictEqual([row?.ID, row?.Data], [value, value]);
      }
    });
    test("keeps NUL, emoji, a byte order mark and 100 kB of text", () => {
      for (const text of ["\0", "a\0b", "👩‍🚀", "\ufeffABE-ORD", "x".repeat(100_000), "é".repeat(50_000)]) {
        both(textField(3, text));
        const [row] = kind.decode(textField(3, text), false).rows as readonly unknown[] as { Meta: string }[];
        strictEqual(row?.Meta, text);
      }
    });
    test("refuses text that is no UTF-8, wherever in the text it stands", () => {
      const broken = [
        [0x80],
        [0xc0, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xff],
        [0xe2, 0x82],
      ];
      for (const bytes of broken) {
        for (const lengthBefore of [0, 1, 63, 64, 65, 1000]) {
          const text = concat([new Uint8Array(lengthBefore).fill(0x61), Uint8Array.from(bytes)]);
          throws(() => kind.decode(bytesField(3, text), false), isUndecodable);
          both(bytesField(3, text));
          both(concat([bytesField(3, text), textField(3, "replaced")]));
        }
      }
    });
    test("refuses a varint of more than ten bytes", () => {
      const long = Uint8Array.from([...new Array<number>(10).fill(0x80), 1]);
      for (const fieldNumber of [1, 2, 3, 4, 5, 6, 7, 1000]) both(concat([tag(fieldNumber, 0), long]));
      both(long);
    });
    test("refuses a length that ends beyond the bytes, up to the largest there is", () => {
      for (const length of [
        1n,
        127n,
        2n ** 31n - 1n,
        2n ** 31n,
        2n ** 32n - 1n,
        2n ** 32n,
        2n ** 63n,
        2n ** 64n - 1n,
      ]) {
        for (const fieldNumber of [1, 3, 4, 6, 9]) both(concat([tag(fieldNumber, 2), varint(length)]));
      }
    });
    test("refuses field number 0, tags beyond 32 bits and wire types that do not exist", () => {
      both(Uint8Array.of(0x00, 0x01));
      both(Uint8Array.of(0x02, 0x01, 0x61));
      for (const wireType of [4, 6, 7]) {
        for (const fieldNumber of [1, 2, 3, 4, 9]) both(concat([tag(fieldNumber, wireType), varint(1)]));
      }
      both(Uint8Array.of(0x88, 0x80, 0x80, 0x80, 0x10, 0x01));
      both(Uint8Array.of(0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01));
      both(concat([tag(2 ** 29 - 1, 0), varint(1)]));
    });
    test("passes over a known field of another wire type", () => {
      for (const fieldNumber of [1, 2, 3, 4, 5, 6]) {
        both(concat([tag(fieldNumber, 5), Uint8Array.of(1, 2, 3, 4)]));
        both(concat([tag(fieldNumber, 1), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)]));
        both(bytesField(fieldNumber, Uint8Array.of(8, 1)));
        both(varintField(fieldNumber, 8));
        both(groupField(fieldNumber, varintField(1, 7)));
      }
    });
    test("passes over nested groups, up to a depth that no honest client reaches", () => {
      const nested = (depth: number): Uint8Array =>
        depth === 0 ? varintField(1, 5) : groupField(20, nested(depth - 1));
      for (const depth of [1, 2, 50, 98]) {
        strictEqual(kind.decode(nested(depth), false).rows.length, 1);
        both(nested(depth));
      }
      const bomb = new Uint8Array(1_000_000).fill(0x0b);
      throws(() => kind.decode(bomb, false), isUndecodable);
      throws(() => kind.decode(bomb, true), isUndecodable);
      both(concat([tag(20, 3), tag(21, 4)]));
      both(tag(20, 4));
    });
    test("of a frame of a thousand entries, every other broken, keeps each in its place", () => {
      const good = concat([varintField(1, 7), textField(3, "x")]);
      const bad = concat([varintField(1, 9), varintField(2, 9), bytesField(3, Uint8Array.of(0xff))]);
      const entries = Array.from({ length: 1000 }, (_, index) => bytesField(1, index % 2 === 0 ? bad : good));
      const frame = concat([...entries, bytesField(1, new Uint8Array())]);
      check(kind, frame, true);
      const { rows, invalid } = kind.decode(frame, true);
      deepStrictEqual([rows.length, invalid.length], [501, 500]);
      strictEqual((rows.at(-1) as { ID: bigint } | undefined)?.ID, 0n);
    });
  });
}
