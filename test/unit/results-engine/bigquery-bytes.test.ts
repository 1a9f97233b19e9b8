import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  Int64Reader,
  MAX_ESCAPE,
  TimestampWriter,
  writeInt64,
  writeText,
} from "../../../services/results-engine/sinks/bigquery/bytes.js";

const FIRST_US = -62_135_596_800_000_000n;
const LAST_US = 253_402_300_799_999_999n;
const AROUND = [0n, 10n ** 9n, 2n ** 31n, 2n ** 32n, 2n ** 52n, 2n ** 53n, 10n ** 15n, 10n ** 18n];
const anyInt64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }),
  fc
    .tuple(fc.constantFrom(...AROUND), fc.constantFrom(1n, -1n), fc.bigInt({ min: -2n, max: 2n }))
    .map(([near, sign, off]) => sign * near + off),
);

describe("the bytes of a row", () => {
  it("hold any int64 as its decimal digits", () => {
    fc.assert(
      fc.property(fc.array(anyInt64, { minLength: 1, maxLength: 9 }), (values) => {
        const column = new Int64Reader(BigInt64Array.from([7n, ...values]).subarray(1));
        const bytes = Buffer.alloc(400);
        let at = 3;
        values.forEach((_, index) => {
          at = writeInt64(bytes, at, column, index);
          bytes[at++] = 0x20;
        });
        assert.equal(bytes.toString("latin1", 3, at), `${values.join(" ")} `);
      }),
      { numRuns: 2_000 },
    );
  });

  it("hold any instant of the years 1 to 9999 to the microsecond", () => {
    const anyUs = fc.oneof(
      fc.bigInt({ min: FIRST_US, max: LAST_US }),
      fc.bigInt({ min: -3_000_000n, max: 3_000_000n }),
    );
    fc.assert(
      fc.property(fc.array(anyUs, { minLength: 1, maxLength: 9 }), (values) => {
        const column = new Int64Reader(BigInt64Array.from(values));
        const writer = new TimestampWriter();
        const bytes = Buffer.alloc(40);
        values.forEach((us, index) => {
          const text = bytes.toString("latin1", 0, writer.write(bytes, 0, column, index));
          assert.match(text, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
          const micros = BigInt(text.slice(20, 26));
          assert.equal(BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000n + micros, us);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("hold any text so that JSON gives it back", () => {
    const anyText = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 50 }),
      fc.string({ unit: fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)) }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const source = Buffer.from(`>${text}<`);
        const bytes = Buffer.alloc(source.length * MAX_ESCAPE + 2);
        bytes[0] = 0x22;
        const end = writeText(bytes, 1, source, 1, source.length - 1);
        bytes[end] = 0x22;
        assert.equal(JSON.parse(bytes.toString("utf8", 0, end + 1)), text);
      }),
      { numRuns: 2_000 },
    );
  });
});
