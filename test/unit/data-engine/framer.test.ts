import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Framer } from "../../../services/data-engine/framer.js";
import type { Frame, FrameLimits } from "../../../services/data-engine/framer.js";
import type { BadRow, SourceChunk } from "../../../services/data-engine/sources/source.js";
import { textAt } from "../../../services/shared/codec/columns.js";
import { decodeRecords, encodeRecord } from "../../../services/shared/codec/record-codec.js";
import { chunkOf } from "../../support/source-rows.js";
import type { SourceRecord } from "../../support/source-rows.js";

type Row = SourceRecord | "bad";

const limits: FrameLimits = { maxRecords: 10, maxBytes: 200, maxRecordBytes: 400 };

function badRow(position: number): BadRow {
  return { position, reason: `line ${String(position + 2)}: no number`, row: "x" };
}

/** Cuts rows into chunks of the given sizes, the last size for all that follow. */
function chunksOf(rows: readonly Row[], sizes: readonly number[], fromPosition = 0): SourceChunk[] {
  const chunks: SourceChunk[] = [];
  for (let start = 0; start < rows.length;) {
    const size = sizes[chunks.length] ?? sizes.at(-1) ?? 1;
    const part = rows.slice(start, start + size);
    const records = part.filter((row) => row !== "bad");
    const bad = part.flatMap((row, index) => (row === "bad" ? [badRow(fromPosition + start + index)] : []));
    start += part.length;
    chunks.push(chunkOf(records, fromPosition + start, bad));
  }
  return chunks;
}

function framesOf(chunks: readonly SourceChunk[], fromPosition = 0, frameLimits = limits): Frame[] {
  const framer = new Framer(frameLimits, fromPosition);
  const frames = chunks.flatMap((chunk) => [...framer.add(chunk)]);
  const rest = framer.flush();
  return rest === undefined ? frames : [...frames, rest];
}

function recordsOf(frame: Frame): SourceRecord[] {
  if (frame.payload === undefined) return [];
  const { count, ids, data, meta } = decodeRecords(frame.payload, true);
  return Array.from({ length: count }, (_, row) => [ids[row] ?? 0n, data[row] ?? 0n, textAt(meta, row)]);
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const record = fc.tuple(int64, int64, fc.string({ unit: "grapheme", maxLength: 120, size: "max" }));
const rows = fc.array(fc.oneof({ weight: 6, arbitrary: record }, fc.constant("bad" as const)), {
  maxLength: 80,
  size: "max",
});
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });

describe("Framer", () => {
  it("loses, doubles and reorders nothing", () => {
    fc.assert(
      fc.property(rows, sizes, (given, chunkSizes) => {
        const frames = framesOf(chunksOf(given, chunkSizes));
        assert.deepEqual(
          frames.flatMap(recordsOf),
          given.filter((row) => row !== "bad" && encodeRecord(...row).length <= limits.maxRecordBytes),
        );
        const unfit = frames.flatMap((frame) => frame.unfit.map((row) => [row.position, row.code]));
        const expected = given.flatMap((row, position) => {
          if (row === "bad") return [[position, "bad_row"]];
          const isTooLarge = encodeRecord(...row).length > limits.maxRecordBytes;
          return isTooLarge ? [[position, "record_too_large"]] : [];
        });
        assert.deepEqual(unfit, expected);
      }),
    );
  });

  it("keeps both limits, except for a record that is larger alone", () => {
    fc.assert(
      fc.property(rows, sizes, (given, chunkSizes) => {
        for (const frame of framesOf(chunksOf(given, chunkSizes))) {
          assert.ok(frame.records + frame.unfit.length <= limits.maxRecords);
          assert.ok((frame.payload?.length ?? 0) <= limits.maxBytes || frame.records === 1);
        }
      }),
    );
  });

  it("covers the source without gap or overlap", () => {
    fc.assert(
      fc.property(rows, sizes, fc.integer({ min: 0, max: 1_000 }), (given, chunkSizes, from) => {
        let position = from;
        for (const frame of framesOf(chunksOf(given, chunkSizes, from), from)) {
          assert.equal(frame.startPosition, position);
          assert.ok(frame.endPosition > position, "an empty frame");
          assert.equal(frame.endPosition - frame.startPosition, frame.records + frame.unfit.length);
          for (const { position: at } of frame.unfit) {
            assert.ok(at >= frame.startPosition && at < frame.endPosition);
          }
          position = frame.endPosition;
        }
        assert.equal(position, from + given.length);
      }),
    );
  });

  it("cuts the same frames whatever the chunks, also when it starts again at one of its cuts", () => {
    fc.assert(
      fc.property(rows, sizes, sizes, fc.nat(), (given, some, other, pick) => {
        const frames = framesOf(chunksOf(given, some));
        assert.deepEqual(framesOf(chunksOf(given, other)), frames);
        if (frames.length === 0) return;
        const again = pick % frames.length;
        const from = frames[again]?.startPosition ?? 0;
        assert.deepEqual(framesOf(chunksOf(given.slice(from), other, from), from), frames.slice(again));
      }),
    );
  });

  it("fills a frame up to its very last byte", () => {
    const one: SourceRecord = [1n, 1n, "abc"];
    const entryBytes = encodeRecord(...one).length + 2;
    const exact = { ...limits, maxRecords: 1_000, maxBytes: 10 * entryBytes };
    const frames = framesOf(chunksOf(Array<Row>(25).fill(one), [25]), 0, exact);
    assert.deepEqual(
      frames.map((frame) => frame.records),
      [10, 10, 5],
    );
  });

  it("takes a record of exactly the largest size and parks the next larger one with ID, sizes and setting", () => {
    const overhead = encodeRecord(7n, 8n, "x".repeat(200)).length - 200;
    const fitting = "x".repeat(limits.maxRecordBytes - overhead);
    const given: Row[] = [
      [7n, 8n, fitting],
      [9n, 8n, `${fitting}x`],
    ];
    const frames = framesOf(chunksOf(given, [2]));
    assert.deepEqual(frames.flatMap(recordsOf), [[7n, 8n, fitting]]);
    const unfit = frames.flatMap((frame) => frame.unfit);
    assert.equal(unfit.length, 1);
    assert.match(unfit[0]?.reason ?? "", /ID=9.*401 bytes.*MAX_RECORD_BYTES=400/);
    assert.equal((JSON.parse(unfit[0]?.row ?? "") as { Meta: string }).Meta, `${fitting}x`);
  });

  it("has nothing to flush when all was cut", () => {
    const framer = new Framer(limits, 0);
    assert.equal(framer.flush(), undefined);
    const frames = chunksOf(Array<Row>(10).fill([1n, 2n, ""]), [10]).flatMap((chunk) => [
      ...framer.add(chunk),
    ]);
    assert.equal(frames.length, 1);
    assert.equal(framer.flush(), undefined);
  });
});
