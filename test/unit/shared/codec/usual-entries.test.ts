import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { MyResultSchema } from "../../../../proto/gen/messages_pb.js";
import type { OwnField } from "../../../../services/shared/codec/own-fields.js";
import { decodeResults } from "../../../../services/shared/codec/result-codec.js";
import { MemoryPool } from "../../../../services/shared/memory-pool.js";
import { EngineError } from "../../../../services/shared/errors.js";
import { bytesField, concat, varintField } from "./wire-bytes.js";

/** With a field of the user's own, every entry is read in the way that takes any order. */
const ABSENT: OwnField = { name: "Absent", number: 77, type: "int64" };
/** What one entry takes in memory. */
const ENTRY_BYTES = 60;
const SECONDS = 1_767_225_600;

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const timestamp = fc.record({
  seconds: fc.oneof(fc.constant(BigInt(SECONDS)), fc.bigInt({ min: 0n, max: 2n ** 33n })),
  nanos: fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(1, 127, 128, 999_999_999)),
});
const entry = fc
  .record({
    ID: int64,
    Data: fc.oneof(fc.bigInt({ min: 0n, max: 3_000n }), int64),
    Meta: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.string({ minLength: 60, maxLength: 300 }),
    ),
    RData: int64,
    DTimeStamp: timestamp,
    ProcessTime: timestamp,
  })
  .map((fields) => toBinary(MyResultSchema, create(MyResultSchema, fields)));

/** What one entry is, in whichever way it is read. */
function read(bytes: Uint8Array, ownFields: readonly OwnField[], pool?: MemoryPool): unknown {
  try {
    const { count, invalid, ids, data, meta, rData, dTimeStampsUs, processTimesUs } = decodeResults(
      bytesField(1, bytes),
      true,
      ownFields,
      pool,
    );
    if (count === 0) return invalid.map(({ error }) => error);
    return [ids[0], data[0], meta.starts[0], meta.ends[0], rData[0], dTimeStampsUs[0], processTimesUs[0]];
  } catch (thrown) {
    assert.ok(thrown instanceof EngineError);
    return thrown.message;
  }
}

function assertSame(bytes: Uint8Array): void {
  const expected = read(bytes, [ABSENT]);
  assert.deepEqual(read(bytes, []), expected);
  assert.deepEqual(read(bytes, [], usedMemory()), expected);
  assert.deepEqual(read(bytes, [ABSENT], usedMemory()), expected);
}

/** What an entry is must not depend on what was in its memory before. */
function usedMemory(): MemoryPool {
  const pool = new MemoryPool();
  const memory = pool.take(ENTRY_BYTES);
  new Uint8Array(memory).fill(0xa5);
  pool.give(memory);
  return pool;
}

const at = (fieldNumber: number, body: Uint8Array): Uint8Array => bytesField(fieldNumber, body);
const seconds = varintField(1, SECONDS);
const whole = concat([seconds, varintField(2, 5_000_000)]);

describe("an entry as nearly every writer leaves it", () => {
  it("is read as one in any order is", () => {
    fc.assert(fc.property(entry, assertSame), { numRuns: 500 });
  });

  it("is read as one in any order is when some of its bytes are others, more or fewer", () => {
    const change = fc.record({
      place: fc.nat(),
      removed: fc.integer({ min: 0, max: 3 }),
      put: fc.array(fc.oneof(fc.constantFrom(0, 8, 16, 18, 26, 34, 40, 50, 0x7f, 0x80, 0xff), fc.nat(255)), {
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(entry, fc.array(change, { minLength: 1, maxLength: 2 }), (bytes, changes) => {
        const changed = Array.from(bytes);
        for (const { place, removed, put } of changes)
          changed.splice(place % changed.length, removed, ...put);
        assertSame(Uint8Array.from(changed));
      }),
      { numRuns: 3_000 },
    );
  });

  for (const [what, body] of [
    ["nanoseconds of a whole second", concat([seconds, varintField(2, 1_000_000_000)])],
    ["nanoseconds below zero", concat([seconds, varintField(2, -1)])],
    ["nanoseconds that an int32 takes for less than zero", concat([seconds, varintField(2, 2 ** 31)])],
    [
      "an unknown field in place of its seconds",
      concat([varintField(3, SECONDS), varintField(2, 5_000_000)]),
    ],
    ["seconds of five bytes beyond 2038", concat([varintField(1, 2 ** 31), varintField(2, 5)])],
    [
      "seconds of four bytes before a byte that could be a fifth",
      Uint8Array.of(8, 0x81, 0x81, 0x81, 1, 1, 16, 5),
    ],
    ["nanoseconds twice", concat([whole, varintField(2, 7)])],
    ["an unknown field behind its nanoseconds", concat([whole, varintField(9, 7)])],
    ["no nanoseconds", seconds],
  ] as const) {
    it(`is read as one in any order is with a Timestamp of ${what}`, () => {
      const rest = varintField(5, 3);
      assertSame(concat([varintField(1, 1), at(4, body), rest, at(6, whole)]));
      assertSame(concat([varintField(1, 1), at(4, whole), rest, at(6, body)]));
    });
  }

  it("takes nothing of the user's own from a broken entry before it", () => {
    const own: OwnField = { name: "Own", number: 7, type: "int64" };
    const usual = concat([varintField(1, 2), at(4, whole), at(6, whole)]);
    const broken = concat([varintField(1, 1), varintField(7, 9), Uint8Array.of(0xff)]);

    const results = decodeResults(concat([bytesField(1, broken), bytesField(1, usual)]), true, [own]);

    assert.deepEqual([results.count, results.ids[0], results.own[0]], [1, 2n, BigInt64Array.of(0n, 0n)]);
  });
});
