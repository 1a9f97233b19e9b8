/** The encoder of results, byte for byte against protobuf-es, and back. */
import { deepStrictEqual, notStrictEqual, strictEqual, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { MyResultFrameSchema, MyResultSchema } from "../../../../proto/gen/messages_pb.js";
import type { MyResult } from "../../../../proto/gen/messages_pb.js";
import {
  RecordFrameEncoder,
  decodeRecords,
  encodeRecord,
} from "../../../../services/shared/codec/record-codec.js";
import { ResultEncoder, decodeResults } from "../../../../services/shared/codec/result-codec.js";
import {
  RUNS,
  instantMs,
  instantNs,
  int64,
  looseFrameBytes,
  looseRecordBytes,
  mutated,
  record,
} from "./arbitraries.js";
import { recordRows, resultRows } from "./oracle.js";
import type { RecordValues } from "./oracle.js";
import { INT64_MAX, INT64_MIN, bytesField, concat, varintField } from "./wire-bytes.js";

const answer = fc.record({ rData: int64, processedAtMs: instantMs });

function ofNs(ns: bigint): Timestamp {
  const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return create(TimestampSchema, { seconds: (ns - nanos) / 1_000_000_000n, nanos: Number(nanos) });
}

/** A double holds an instant of today to a quarter of a microsecond; what it holds is written exactly. */
function ofMs(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  // The instant just before a second is not the second after it.
  const nanos = Math.min(999_999_999, Math.floor((ms - seconds * 1000) * 1_000_000));
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

function resultOf(each: RecordValues, rData: bigint, storedAtNs: bigint, processedAtMs: number): MyResult {
  const times = { DTimeStamp: ofNs(storedAtNs), ProcessTime: ofMs(processedAtMs) };
  return create(MyResultSchema, { ...each, ...times, RData: rData });
}

function frameOf(results: readonly MyResult[]): Uint8Array {
  return toBinary(MyResultFrameSchema, create(MyResultFrameSchema, { results: [...results] }));
}

function recordFrameOf(records: readonly RecordValues[]): Uint8Array {
  const encoder = new RecordFrameEncoder();
  for (const { ID, Data, Meta } of records) encoder.add(ID, Data, Meta);
  return encoder.finish();
}

describe("encoding results", () => {
  test("gives the bytes of protobuf-es, message after message from one encoder", () => {
    const encoder = new ResultEncoder(1);
    fc.assert(
      fc.property(fc.array(fc.tuple(record, answer), { maxLength: 20 }), instantNs, (pairs, storedAtNs) => {
        const records = decodeRecords(recordFrameOf(pairs.map(([each]) => each)), true);
        encoder.begin(records, storedAtNs);
        pairs.forEach(([, { rData, processedAtMs }], row) => encoder.add(row, rData, processedAtMs));
        strictEqual(encoder.count, pairs.length);
        const expected = pairs.map(([each, { rData, processedAtMs }]) =>
          resultOf(each, rData, storedAtNs, processedAtMs),
        );
        deepStrictEqual(encoder.finish(), frameOf(expected));
      }),
      { numRuns: RUNS },
    );
  });

  test("gives each result the instant its own message was stored, where they came as singles", () => {
    const encoder = new ResultEncoder();
    const each = fc.tuple(record, instantNs, answer);
    fc.assert(
      fc.property(fc.array(each, { maxLength: 20 }), (singles) => {
        encoder.begin(decodeRecords(recordFrameOf(singles.map(([one]) => one)), true), 1n);
        singles.forEach(([, storedAtNs, { rData, processedAtMs }], row) => {
          encoder.storedAt(storedAtNs);
          encoder.add(row, rData, processedAtMs);
        });
        const expected = singles.map(([one, storedAtNs, { rData, processedAtMs }]) =>
          resultOf(one, rData, storedAtNs, processedAtMs),
        );
        deepStrictEqual(encoder.finish(), frameOf(expected));
      }),
      { numRuns: RUNS },
    );
  });

  test("makes room for a text of any length", () => {
    const encoder = new ResultEncoder();
    const metas = [
      "",
      "\0",
      "👩‍🚀",
      ...[63, 64, 65, 70, 80, 127, 128, 100_000].map((length) => "é".repeat(length)),
    ];
    for (const Meta of metas) {
      for (const ID of [0n, 7n, 2n ** 53n + 1n, INT64_MIN, INT64_MAX]) {
        const each = { ID, Data: -ID - 1n, Meta };
        encoder.begin(
          decodeRecords(encodeRecord(each.ID, each.Data, each.Meta), false),
          1_700_000_000_123_456_789n,
        );
        encoder.add(0, ID, 1_700_000_000_123.5);
        const expected = resultOf(each, ID, 1_700_000_000_123_456_789n, 1_700_000_000_123.5);
        deepStrictEqual(encoder.finish(), frameOf([expected]));
      }
    }
  });

  test("carries the values of what a foreign client sent, and none of its unknown fields", () => {
    const encoder = new ResultEncoder();
    const bytes = looseFrameBytes(fc.oneof(looseRecordBytes, mutated(looseRecordBytes)));
    fc.assert(
      fc.property(bytes, instantNs, answer, (frame, storedAtNs, { rData, processedAtMs }) => {
        const records = decodeRecords(frame, true);
        encoder.begin(records, storedAtNs);
        for (let row = 0; row < records.count; row += 1) encoder.add(row, rData, processedAtMs);
        const expected = recordRows(records).map((each) => resultOf(each, rData, storedAtNs, processedAtMs));
        deepStrictEqual(encoder.finish(), frameOf(expected));
      }),
      { numRuns: RUNS },
    );
  });

  test("leaves out the records that are not added, and takes the others in any order", () => {
    const records = ["a", "b", "c"].map((Meta, index) => ({ ID: BigInt(index), Data: 5n, Meta }));
    const encoder = new ResultEncoder();
    encoder.begin(decodeRecords(recordFrameOf(records), true), 1n);
    encoder.add(2, 9n, 0);
    encoder.add(0, 8n, 0);
    strictEqual(encoder.count, 2);
    const decoded = resultRows(decodeResults(encoder.finish(), true));
    deepStrictEqual(
      decoded.map(({ Meta, RData }) => [Meta, RData]),
      [
        ["c", 9n],
        ["a", 8n],
      ],
    );
  });

  test("forgets a message that was begun and not finished", () => {
    const encoder = new ResultEncoder();
    const records = decodeRecords(recordFrameOf([{ ID: 1n, Data: 2n, Meta: "x" }]), true);
    encoder.begin(records, 5n);
    encoder.add(0, 3n, 1);
    encoder.begin(records, 5n);
    strictEqual(encoder.count, 0);
    deepStrictEqual(encoder.finish(), new Uint8Array());
  });

  test("refuses a result before a message is begun", () => {
    throws(() => new ResultEncoder().add(0, 1n, 1), /begin/);
  });

  test("gives each message a buffer of its own, which can be transferred to another thread", () => {
    const encoder = new ResultEncoder();
    const records = decodeRecords(recordFrameOf([{ ID: 1n, Data: 2n, Meta: "x" }]), true);
    const [first, second] = [1n, 2n].map((rData) => {
      encoder.begin(records, 5n);
      encoder.add(0, rData, 1);
      return encoder.finish();
    });
    notStrictEqual(first?.buffer, second?.buffer);
    strictEqual(first?.byteLength, first?.buffer.byteLength);
    deepStrictEqual(resultRows(decodeResults(first ?? new Uint8Array(), true))[0]?.RData, 1n);
    const size = second?.byteLength;
    strictEqual(structuredClone(second, { transfer: [second?.buffer as ArrayBuffer] })?.byteLength, size);
    strictEqual(second?.byteLength, 0);
  });
});

describe("the times of a result", () => {
  /** Decodes one result with this DTimeStamp; its microseconds, or "refused". */
  function decodedUs(seconds: bigint, nanos: bigint): bigint | "refused" {
    const timestamp = concat([varintField(1, seconds), varintField(2, nanos)]);
    const other = bytesField(6, varintField(1, 3n));
    const { dTimeStampsUs, processTimesUs, invalid, count } = decodeResults(
      bytesField(1, concat([bytesField(4, timestamp), other])),
      true,
    );
    if (count === 0 && invalid.length === 1) return "refused";
    strictEqual(processTimesUs[0], 3_000_000n);
    return dTimeStampsUs[0] ?? "refused";
  }

  test("are microseconds rounded down, also before 1970", () => {
    strictEqual(decodedUs(0n, 0n), 0n);
    strictEqual(decodedUs(0n, 999n), 0n);
    strictEqual(decodedUs(0n, 1000n), 1n);
    strictEqual(decodedUs(1_700_000_000n, 123_456_789n), 1_700_000_000_123_456n);
    strictEqual(decodedUs(-1n, 999_999_999n), -1n);
    strictEqual(decodedUs(-1n, 0n), -1_000_000n);
    strictEqual(decodedUs(-1n, 1999n), -999_999n);
    // The halves of a column carry: 2^32 microseconds are 4294.967296 seconds.
    strictEqual(decodedUs(4294n, 967_295_999n), 2n ** 32n - 1n);
    strictEqual(decodedUs(4294n, 967_296_000n), 2n ** 32n);
    strictEqual(decodedUs(-4295n, 32_704_000n), -(2n ** 32n));
    strictEqual(decodedUs(-4295n, 32_703_000n), -(2n ** 32n) - 1n);
  });

  test("lie in the years 0001 to 9999 with less than a second of nanoseconds, or their entry is refused", () => {
    strictEqual(decodedUs(-62_135_596_800n, 0n), -62_135_596_800_000_000n);
    strictEqual(decodedUs(253_402_300_799n, 999_999_999n), 253_402_300_799_999_999n);
    strictEqual(decodedUs(-62_135_596_801n, 999_999_999n), "refused");
    strictEqual(decodedUs(253_402_300_800n, 0n), "refused");
    strictEqual(decodedUs(INT64_MIN, 0n), "refused");
    strictEqual(decodedUs(INT64_MAX, 0n), "refused");
    strictEqual(decodedUs(0n, 1_000_000_000n), "refused");
    strictEqual(decodedUs(0n, -1n), "refused");
  });

  test("are the epoch when absent, also after an entry that has them", () => {
    const withTimes = bytesField(
      1,
      concat([bytesField(4, varintField(1, 7n)), bytesField(6, varintField(2, 5000n))]),
    );
    const without = bytesField(1, varintField(1, 1n));
    const decoded = resultRows(decodeResults(concat([withTimes, without]), true));
    deepStrictEqual(
      decoded.map(({ dTimeStampUs, processTimeUs }) => [dTimeStampUs, processTimeUs]),
      [
        [7_000_000n, 5n],
        [0n, 0n],
      ],
    );
  });

  test("that come in two parts are merged, as protobuf merges messages", () => {
    const parts = concat([bytesField(4, varintField(1, 7n)), bytesField(4, varintField(2, 5000n))]);
    strictEqual(decodeResults(parts, false).dTimeStampsUs[0], 7_000_005n);
  });

  test("keep their microsecond from the encoder to the column", () => {
    const records = decodeRecords(encodeRecord(1n, 2n, ""), false);
    const encoder = new ResultEncoder();
    fc.assert(
      fc.property(instantNs, (storedAtNs) => {
        encoder.begin(records, storedAtNs);
        encoder.add(0, 1n, 1_700_000_000_000.25);
        const { dTimeStampsUs, processTimesUs } = decodeResults(encoder.finish(), true);
        strictEqual(dTimeStampsUs[0], (storedAtNs - (((storedAtNs % 1000n) + 1000n) % 1000n)) / 1000n);
        strictEqual(processTimesUs[0], 1_700_000_000_000_250n);
      }),
      { numRuns: RUNS },
    );
  });
});
