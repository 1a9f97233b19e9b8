/** MyData and MyDataFrame, from and to columns. Byte for byte what protobuf's own library writes. */
import type { RecordColumns } from "./columns.js";
import { FRAME_ENTRY_TAG, checkText, decodeEntries, findEntries } from "./entries.js";
import type { DecodedEntries } from "./entries.js";
import { EntryWriter } from "./entry-writer.js";
import { WIRE, WireReader } from "./wire-reader.js";
import { usualInt64, usualText } from "./usual-fields.js";
import { textFieldBytes, writeTextField } from "./text-field.js";
import { INT64_FIELD_BYTES, writeInt64Field } from "./wire-writer.js";

export const RECORD_TAG = {
  ID: (1 << 3) | WIRE.varint,
  Data: (2 << 3) | WIRE.varint,
  Meta: (3 << 3) | WIRE.lengthDelimited,
} as const;

/** Room for ID and Data with their tags. */
const NUMBERS_BYTES = 2 * INT64_FIELD_BYTES;

/** Turns ID and Data into halves of 32 bits without BigInt arithmetic. */
const scratch = new BigInt64Array(2);
const halves = new Uint32Array(scratch.buffer);

/** Builds a MyDataFrame record by record; used again for the next. */
export class RecordFrameEncoder {
  readonly #writer: EntryWriter;
  #count = 0;

  constructor(initialBytes = 65_536) {
    this.#writer = new EntryWriter(FRAME_ENTRY_TAG, initialBytes);
  }

  /** Records in the frame under construction. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the frame under construction. */
  get sizeBytes(): number {
    return this.#writer.length;
  }

  /** Adds a record. A lone surrogate in `meta` becomes U+FFFD, as UTF-8 has none. */
  add(id: bigint, data: bigint, meta: string): void {
    const writer = this.#writer;
    const start = writer.begin(NUMBERS_BYTES + textFieldBytes(meta));
    writer.end(writeRecord(writer.bytes, start, id, data, meta));
    this.#count += 1;
  }

  /** The finished frame as a copy of its own; the next one starts. */
  finish(): Uint8Array {
    this.#count = 0;
    return this.#writer.take();
  }
}

/** One MyData. */
export function encodeRecord(id: bigint, data: bigint, meta: string): Uint8Array {
  const bytes = new Uint8Array(NUMBERS_BYTES + textFieldBytes(meta));
  return bytes.slice(0, writeRecord(bytes, 0, id, data, meta));
}

function writeRecord(bytes: Uint8Array, start: number, id: bigint, data: bigint, meta: string): number {
  scratch[0] = id;
  scratch[1] = data;
  let at = writeInt64Field(bytes, start, RECORD_TAG.ID, halves[0] ?? 0, halves[1] ?? 0);
  at = writeInt64Field(bytes, at, RECORD_TAG.Data, halves[2] ?? 0, halves[3] ?? 0);
  return writeTextField(bytes, at, RECORD_TAG.Meta, meta);
}

/** The records of a message as columns, with what is known of each entry. */
export interface DecodedRecords extends RecordColumns, DecodedEntries {}

/**
 * Takes a MyDataFrame or a MyData apart. Unknown fields are passed over, the last value of a
 * repeated field wins, fields may come in any order.
 *
 * @throws EngineError `undecodable`, `park`, when the framing is broken or a single is no MyData
 */
export function decodeRecords(payload: Uint8Array, isFrame: boolean): DecodedRecords {
  const reader = new WireReader(payload);
  const what = isFrame ? "MyDataFrame" : "MyData";
  const spans = findEntries(reader, isFrame, what);
  const capacity = spans.starts.length;
  const ids = new BigInt64Array(capacity);
  const data = new BigInt64Array(capacity);
  const starts = new Uint32Array(capacity);
  const ends = new Uint32Array(capacity);
  const idHalves = new Uint32Array(ids.buffer);
  const dataHalves = new Uint32Array(data.buffer);
  const entries = decodeEntries(reader, spans, isFrame, what, (row, start, end) => {
    let at = usualInt64(payload, start, end, RECORD_TAG.ID, idHalves, row);
    at = usualInt64(payload, at, end, RECORD_TAG.Data, dataHalves, row);
    at = usualText(payload, at, end, RECORD_TAG.Meta, starts, ends, row);
    if (at === end) return;
    // A row may hold what is left of a broken entry.
    idHalves[2 * row] = idHalves[2 * row + 1] = dataHalves[2 * row] = dataHalves[2 * row + 1] = 0;
    starts[row] = ends[row] = 0;
    while (!reader.atEnd) {
      const tag = reader.tag();
      if (tag === RECORD_TAG.ID) {
        reader.varint64();
        idHalves[2 * row] = reader.lo;
        idHalves[2 * row + 1] = reader.hi;
      } else if (tag === RECORD_TAG.Data) {
        reader.varint64();
        dataHalves[2 * row] = reader.lo;
        dataHalves[2 * row + 1] = reader.hi;
      } else if (tag === RECORD_TAG.Meta) {
        const length = reader.length();
        checkText(payload, reader.position, reader.position + length, "Meta");
        starts[row] = reader.position;
        reader.position += length;
        ends[row] = reader.position;
      } else {
        reader.skip(tag);
      }
    }
  });
  return { ...entries, ids, data, meta: { bytes: payload, starts, ends } };
}
