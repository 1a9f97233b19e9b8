/** What fast-check makes of records, results and the bytes of foreign clients. */
import fc from "fast-check";
import {
  INT64_MAX,
  INT64_MIN,
  bytesField,
  concat,
  groupField,
  tag,
  textField,
  varintField,
} from "./wire-bytes.js";

/** Runs of a property; FUZZ_RUNS=100000 looks longer. */
export const RUNS = Number(process.env.FUZZ_RUNS ?? "1000");

/** The whole range, with the values in it that break codecs. */
export const int64 = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    -1n,
    127n,
    128n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n + 1n,
    INT64_MIN,
    INT64_MAX,
  ),
  fc.integer({ min: -9999, max: 9999 }).map(BigInt),
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  // Every length a varint can have.
  fc.integer({ min: 0, max: 62 }).map((bits) => 1n << BigInt(bits)),
);

/** Well-formed text of one to four bytes a character; a leading U+FEFF is tested on its own. */
export const meta = fc
  .oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        "",
        "\0",
        "ABE-ORD",
        "zoë",
        "日本",
        "👩‍🚀",
        "\u{10ffff}",
        "a".repeat(64),
        "a".repeat(65),
      ),
    },
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 5000 }) },
  )
  .map((text) => text.replace(/^\ufeff+/u, ""));

export const record = fc.record({ ID: int64, Data: int64, Meta: meta });

/** Nanoseconds since the epoch as JetStream and clocks give them, and every edge of int64. */
export const instantNs = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 999n, 999_999_999n, 1_000_000_000n, -1_000_000_000n, -1_000_000_001n),
  fc.bigInt({ min: 1_600_000_000_000_000_000n, max: 2_000_000_000_000_000_000n }),
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
);

/** Milliseconds with fraction, as a clock gives them; every year a Timestamp may have. */
export const instantMs = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.001, -0.001, 999.999999, 1_700_000_000_000, 1_700_000_000_000.25),
  fc.double({ min: 1.6e12, max: 2e12, noNaN: true }),
  fc.double({ min: -62_135_596_800_000, max: 253_402_300_799_999, noNaN: true }),
);

const paddingBytes = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat({ max: 9 }) },
);

export const int64Field = (fieldNumber: number): fc.Arbitrary<Uint8Array> =>
  fc.tuple(int64, paddingBytes).map(([value, padding]) => varintField(fieldNumber, value, padding));

/** A well-formed field with a number from `min` on. */
function unknownField(min: number): fc.Arbitrary<Uint8Array> {
  const fieldNumber = fc.oneof(fc.integer({ min, max: 40 }), fc.integer({ min, max: 2 ** 29 - 1 }));
  const fixed = (wireType: number, size: number): fc.Arbitrary<Uint8Array> =>
    fc
      .tuple(fieldNumber, fc.uint8Array({ minLength: size, maxLength: size }))
      .map(([no, bytes]) => concat([tag(no, wireType), bytes]));
  const { field } = fc.letrec<{ field: Uint8Array; group: Uint8Array }>((tie) => ({
    field: fc.oneof(
      { maxDepth: 4 },
      fc.tuple(fieldNumber, int64).map(([no, value]) => varintField(no, value)),
      fixed(1, 8),
      fixed(5, 4),
      fc.tuple(fieldNumber, fc.uint8Array({ maxLength: 20 })).map(([no, bytes]) => bytesField(no, bytes)),
      tie("group"),
    ),
    group: fc
      .tuple(fieldNumber, fc.array(tie("field"), { maxLength: 3 }))
      .map(([no, content]) => groupField(no, concat(content))),
  }));
  return field;
}

/** A MyData of a foreign client: fields in any order, repeated, padded, with unknown ones between. */
export const looseRecordBytes = fc
  .array(
    fc.oneof(
      int64Field(1),
      int64Field(2),
      meta.map((text) => textField(3, text)),
      unknownField(4),
    ),
    {
      maxLength: 8,
    },
  )
  .map(concat);

const seconds = fc.oneof(
  fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
  fc.integer({ min: 1_000_000_000, max: 2_200_000_000 }),
  fc.constantFrom(2 ** 28 - 1, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
);
const nanos = fc.oneof(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: -5, max: 1_000_000_005 }));
const secondsField = fc
  .tuple(seconds, paddingBytes)
  .map(([value, padding]) => varintField(1, value, padding));
const nanosField = fc.tuple(nanos, paddingBytes).map(([value, padding]) => varintField(2, value, padding));

/** A Timestamp, mostly in range: as clocks write it, or its halves in any order and repeated. */
export const looseTimestampBytes = fc
  .oneof(
    fc.tuple(secondsField, nanosField),
    fc.array(fc.oneof(secondsField, nanosField, unknownField(3)), { maxLength: 4 }),
  )
  .map(concat);

export const looseResultBytes = fc
  .array(
    fc.oneof(
      int64Field(1),
      int64Field(2),
      meta.map((text) => textField(3, text)),
      looseTimestampBytes.map((bytes) => bytesField(4, bytes)),
      int64Field(5),
      looseTimestampBytes.map((bytes) => bytesField(6, bytes)),
      unknownField(7),
    ),
    { maxLength: 10 },
  )
  .map(concat);

/** A frame of such entries, with unknown fields between them. */
export const looseFrameBytes = (entry: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc
            .tuple(entry, paddingBytes)
            .map(([bytes, padding]) => bytesField(1, bytes, Math.min(padding, 4))),
        },
        { weight: 1, arbitrary: unknownField(2) },
      ),
      { maxLength: 6 },
    )
    .map(concat);

/** Bytes with a few of them changed, cut out, put in, or everything behind a place cut off. */
export const mutated = (original: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      original,
      fc.array(
        fc.record({
          kind: fc.constantFrom("set", "flip", "remove", "insert", "truncate"),
          place: fc.nat({ max: 2 ** 31 - 1 }),
          byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xff)),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([bytes, changes]) => {
      let out = [...bytes];
      for (const { kind, place, byte } of changes) {
        const at = out.length === 0 ? 0 : place % out.length;
        if (kind === "set") out[at] = byte;
        else if (kind === "flip") out[at] = (out[at] ?? 0) ^ (1 << (byte & 7));
        else if (kind === "remove") out.splice(at, 1);
        else if (kind === "insert") out.splice(at, 0, byte);
        else out = out.slice(0, at);
      }
      return Uint8Array.from(out);
    });
