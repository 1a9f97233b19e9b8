/**
 * Chunks of a source -> frames, cut by records and bytes.
 *
 * Pure: the same records from the same position on are always cut at the same places, however
 * they are split into chunks, as long as nobody calls {@link Framer.flush} in between. That is what
 * makes a restarted run recognise its own frames.
 */
import { RecordFrameEncoder, encodeRecord } from "../shared/codec/record-codec.js";
import type { BadRow, SourceChunk } from "./sources/source.js";

export interface FrameLimits {
  /** Rows in a frame, good and bad. */
  readonly maxRecords: number;
  /** Size of a frame. A record larger than that goes alone. */
  readonly maxBytes: number;
  /** A record of more encoded bytes is no record: NATS would not take it. */
  readonly maxRecordBytes: number;
}

/** A row to be parked. */
export interface UnfitRow extends BadRow {
  readonly code: "bad_row" | "record_too_large";
}

/** A run of rows: the good ones as one MyDataFrame, the others beside it. */
export interface Frame {
  /** Undefined if no row is good. */
  readonly payload: Uint8Array | undefined;
  readonly records: number;
  readonly unfit: readonly UnfitRow[];
  /** Rows of the source before the first of these. */
  readonly startPosition: number;
  /** Rows of the source up to the last of these. */
  readonly endPosition: number;
}

/** Upper bound of the tag and length in front of a record in a frame. */
const MAX_ENTRY_HEAD_BYTES = 6;
/** Upper bound of two int64s and the length of Meta, with their tags. */
const MAX_NUMBERS_BYTES = 28;
const MAX_BYTES_PER_CHAR = 3;

export class Framer {
  readonly #limits: FrameLimits;
  readonly #encoder: RecordFrameEncoder;
  #unfit: UnfitRow[] = [];
  #startPosition: number;
  #position: number;

  constructor(limits: FrameLimits, fromPosition: number) {
    this.#limits = limits;
    this.#encoder = new RecordFrameEncoder(limits.maxBytes);
    this.#startPosition = this.#position = fromPosition;
  }

  /** The frames that are full with this chunk. To be read to the end before the next call. */
  *add(chunk: SourceChunk): Generator<Frame, void, undefined> {
    const { ids, data, meta, bad } = chunk;
    const rows = ids.length + bad.length;
    this.#position = chunk.endPosition - rows;
    let nextBad = 0;
    for (let record = 0, row = 0; row < rows; row += 1) {
      const badRow = bad[nextBad];
      if (badRow?.position === this.#position) {
        this.#unfit.push({ ...badRow, code: "bad_row" });
        nextBad += 1;
      } else {
        const full = this.#addRecord(ids[record] ?? 0n, data[record] ?? 0n, meta[record] ?? "");
        if (full !== undefined) yield full;
        record += 1;
      }
      this.#position += 1;
      if (this.#encoder.count + this.#unfit.length >= this.#limits.maxRecords) yield this.#cut();
    }
  }

  /** What is left; undefined if nothing is. */
  flush(): Frame | undefined {
    return this.#position > this.#startPosition ? this.#cut() : undefined;
  }

  /**
   * No generator of its own, which would cost more than the record.
   *
   * @returns the frame that had no room for it
   */
  #addRecord(id: bigint, data: bigint, meta: string): Frame | undefined {
    const { maxBytes, maxRecordBytes } = this.#limits;
    const encoder = this.#encoder;
    let full: Frame | undefined;
    // An upper bound first: most records need no exact size.
    const boundBytes = MAX_NUMBERS_BYTES + meta.length * MAX_BYTES_PER_CHAR;
    if (boundBytes > maxRecordBytes || encoder.sizeBytes + MAX_ENTRY_HEAD_BYTES + boundBytes > maxBytes) {
      const recordBytes = encodeRecord(id, data, meta).byteLength;
      if (recordBytes > maxRecordBytes) {
        this.#unfit.push(this.#tooLarge(id, data, meta, recordBytes));
        return undefined;
      }
      const isFull = encoder.sizeBytes + entryHeadBytes(recordBytes) + recordBytes > maxBytes;
      if (isFull && encoder.count > 0) full = this.#cut();
    }
    encoder.add(id, data, meta);
    return full;
  }

  #tooLarge(id: bigint, data: bigint, meta: string, recordBytes: number): UnfitRow {
    const limit = String(this.#limits.maxRecordBytes);
    const reason = `ID=${String(id)}: a record of ${String(recordBytes)} bytes, more than MAX_RECORD_BYTES=${limit}`;
    const row = JSON.stringify({ ID: String(id), Data: String(data), Meta: meta });
    return { code: "record_too_large", position: this.#position, reason, row };
  }

  #cut(): Frame {
    const records = this.#encoder.count;
    const frame: Frame = {
      payload: records === 0 ? undefined : this.#encoder.finish(),
      records,
      unfit: this.#unfit,
      startPosition: this.#startPosition,
      endPosition: this.#position,
    };
    this.#unfit = [];
    this.#startPosition = this.#position;
    return frame;
  }
}

/** Tag and length, a varint of 7 bits a byte. */
function entryHeadBytes(recordBytes: number): number {
  let bytes = 2;
  for (let rest = recordBytes; rest >= 0x80; rest /= 0x80) bytes += 1;
  return bytes;
}
