/**
 * Messages as broken clients, other protocols and bad memory make them: valid ones of all four kinds
 * with lies in their structure, then with bytes changed. About a third stays valid, so that
 * what is accepted is looked at too.
 */
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
} from "../unit/shared/codec/wire-bytes.js";
import type { Random } from "./random.js";

/** One message and where it is sent. */
export interface Malformed {
  readonly topic: "data" | "results";
  readonly isFrame: boolean;
  readonly payload: Uint8Array;
}

const INT64S = [0n, 1n, -1n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, INT64_MIN, INT64_MAX] as const;
const TEXTS = [
  "",
  "\0",
  "ABE-ORD",
  "zoë",
  "日本",
  "👩‍🚀",
  "\ufeffbom",
  "a".repeat(64),
  "é".repeat(200),
] as const;
const NO_UTF8: readonly [readonly number[], ...(readonly number[])[]] = [
  [0x80],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
  [0xe2, 0x82],
];
const HUGE_LENGTHS = [
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;
const SECONDS = [-62_135_596_801n, -62_135_596_800n, 253_402_300_799n, 253_402_300_800n, 2n ** 31n] as const;
const NANOS = [-1n, 0n, 999_999_999n, 1_000_000_000n, 2n ** 32n] as const;
/** One structural lie in so many fields. */
const LIES_IN = 12;

export function malformedMessage(random: Random): Malformed {
  const isResult = random.oneIn(2);
  const isFrame = random.oneIn(2);
  const payload = isFrame ? frame(random, isResult) : entry(random, isResult);
  return {
    // Now and then on a subject that is meant for another kind.
    topic: isResult === random.oneIn(20) ? "data" : "results",
    isFrame: isFrame !== random.oneIn(20),
    payload: random.oneIn(2) ? payload : withChangedBytes(random, payload),
  };
}

function frame(random: Random, isResult: boolean): Uint8Array {
  const count = random.oneIn(5_000) ? random.below(1_000) : random.below(4);
  return concat(
    Array.from({ length: count }, () =>
      random.oneIn(LIES_IN * 2) ? lie(random, 1) : field(random, 1, entry(random, isResult)),
    ),
  );
}

function entry(random: Random, isResult: boolean): Uint8Array {
  const fields: (() => Uint8Array)[] = [
    () => varintField(1, int64(random), padding(random)),
    () => varintField(2, int64(random), padding(random)),
    () => textField(3, random.pick(TEXTS)),
  ];
  if (isResult) {
    fields.push(
      () => field(random, 4, timestamp(random)),
      () => varintField(5, int64(random), padding(random)),
      () => field(random, 6, timestamp(random)),
    );
  }
  const written = fields.flatMap((write, index) => {
    if (random.oneIn(10)) return [];
    if (random.oneIn(LIES_IN)) return [lie(random, index + 1)];
    return random.oneIn(20) ? [write(), write()] : [write()];
  });
  if (random.oneIn(8)) written.reverse();
  if (random.oneIn(8)) written.push(unknown(random));
  return concat(written);
}

function timestamp(random: Random): Uint8Array {
  const seconds = random.oneIn(8) ? random.pick(SECONDS) : BigInt(1_500_000_000 + random.below(1e9));
  const nanos = random.oneIn(8) ? random.pick(NANOS) : BigInt(random.below(1e9));
  const fields = [varintField(1, seconds, padding(random)), varintField(2, nanos, padding(random))];
  if (random.oneIn(16)) fields.push(random.oneIn(2) ? unknown(random) : lie(random, 1 + random.below(3)));
  return concat(fields);
}

/** A length-delimited field whose length is sometimes not that of its bytes. */
function field(random: Random, fieldNumber: number, bytes: Uint8Array): Uint8Array {
  if (!random.oneIn(LIES_IN)) return bytesField(fieldNumber, bytes, random.oneIn(20) ? random.below(5) : 0);
  const length = random.oneIn(3) ? random.pick(HUGE_LENGTHS) : BigInt(bytes.length + random.below(9) - 4);
  return concat([tag(fieldNumber, 2), varint(length), bytes]);
}

function unknown(random: Random): Uint8Array {
  const number = random.oneIn(4) ? 1 + random.below(2 ** 29 - 1) : 7 + random.below(30);
  switch (random.below(5)) {
    case 0:
      return varintField(number, int64(random));
    case 1:
      return concat([tag(number, 1), random.bytes(8)]);
    case 2:
      return concat([tag(number, 5), random.bytes(4)]);
    case 3:
      return groupField(number, random.oneIn(2) ? unknown(random) : new Uint8Array());
    default:
      return bytesField(number, random.bytes(random.below(20)));
  }
}

/** A field that is not what it should be. */
function lie(random: Random, fieldNumber: number): Uint8Array {
  switch (random.below(11)) {
    case 0: // a varint of 11 bytes
      return concat([
        tag(fieldNumber, 0),
        new Uint8Array(10).fill(0x80 | random.below(128)),
        Uint8Array.of(1),
      ]);
    case 1:
      return concat([tag(fieldNumber, 2), varint(random.pick(HUGE_LENGTHS)), random.bytes(random.below(9))]);
    case 2: // another wire type, 6 and 7 do not exist
      return concat([tag(fieldNumber, random.below(8)), random.bytes(random.below(12))]);
    case 3: // packed where one number is expected
      return bytesField(fieldNumber, concat([varint(int64(random)), varint(int64(random))]));
    case 4:
      return bytesField(fieldNumber, Uint8Array.from([0x61, ...random.pick(NO_UTF8)]));
    case 5: // a group without its end, or with another
      return concat([
        tag(fieldNumber, 3),
        varintField(1, 5),
        random.oneIn(2) ? tag(fieldNumber + 1, 4) : tag(1, 0),
      ]);
    case 6:
      return nestedGroups(random.oneIn(4) ? 300 : 90 + random.below(20), fieldNumber);
    case 7: // lengths inside lengths, the innermost a lie
      return bytesField(fieldNumber, bytesField(fieldNumber, concat([tag(fieldNumber, 2), varint(99)])));
    case 8: // field number 0, and a tag beyond 32 bits
      return random.oneIn(2) ? Uint8Array.of(0x00, 0x01) : Uint8Array.of(0x88, 0x80, 0x80, 0x80, 0x10, 0x01);
    case 9: // a tag padded with zeros
      return Uint8Array.of(0x88, 0x80, 0x80, 0x80, random.pick([0x00, 0x80]), 0x00, 0x01);
    default:
      return random.bytes(random.below(30));
  }
}

function nestedGroups(depth: number, fieldNumber: number): Uint8Array {
  const start = tag(fieldNumber, 3);
  const end = tag(fieldNumber, 4);
  const of = (part: Uint8Array): Uint8Array[] => Array.from({ length: depth }, () => part);
  return concat([...of(start), ...of(end)]);
}

/** Flips, sets, removes, puts in, doubles and cuts off. */
function withChangedBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let out = [...bytes];
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const at = random.below(Math.max(1, out.length));
    switch (random.below(6)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        out[at] = random.pick([0x00, 0x7f, 0x80, 0xff]);
        break;
      case 2:
        out.splice(at, 1 + random.below(3));
        break;
      case 3:
        out.splice(at, 0, ...random.bytes(1 + random.below(3)));
        break;
      case 4:
        out.splice(at, 0, ...out.slice(at, at + random.below(20)));
        break;
      default:
        out = out.slice(0, at);
    }
  }
  return Uint8Array.from(out);
}

function int64(random: Random): bigint {
  return random.oneIn(2) ? random.pick(INT64S) : random.int64();
}

function padding(random: Random): number {
  return random.oneIn(16) ? random.below(10) : 0;
}
