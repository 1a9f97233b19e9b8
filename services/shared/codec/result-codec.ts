/** MyResult and MyResultFrame, from and to columns. Byte for byte what protobuf's own library writes. */
import type { ResultColumns } from "./columns.js";
import { FRAME_ENTRY_TAG, checkText, decodeEntries, findEntriesInto } from "./entries.js";
import type { DecodedEntries } from "./entries.js";
import { EntryWriter } from "./entry-writer.js";
import { OWN_FIELDS, OwnFieldsReader } from "./own-fields.js";
import type { OwnField } from "./own-fields.js";
import { ResultMemory } from "./result-memory.js";
import { RECORD_TAG } from "./record-codec.js";
import type { DecodedRecords } from "./record-codec.js";
import { MAX_TIMESTAMP_BYTES, TimestampReader, writeTimestamp } from "./timestamps.js";
import { usualInt64, usualText, usualTimestamp } from "./usual-fields.js";
import { WIRE, WireReader } from "./wire-reader.js";
import { INT64_FIELD_BYTES, writeBytes, writeInt64Field, writeVarint32 } from "./wire-writer.js";
import type { MemoryPool } from "../memory-pool.js";

const RESULT_TAG = {
  ...RECORD_TAG,
  DTimeStamp: (4 << 3) | WIRE.lengthDelimited,
  RData: (5 << 3) | WIRE.varint,
  ProcessTime: (6 << 3) | WIRE.lengthDelimited,
} as const;

/** Room for every field of a result but Meta, with tags and lengths. */
const FIXED_BYTES = 3 * INT64_FIELD_BYTES + 6 + 2 * (2 + MAX_TIMESTAMP_BYTES);

/** Turns RData into halves of 32 bits without BigInt arithmetic. */
const scratch = new BigInt64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);

/** Builds the answer to one frame: the records it came with, and what the cruncher made of each. */
export class ResultEncoder {
  readonly #writer: EntryWriter;
  /** DTimeStamp with tag and length: the same for every record of a message, so written once. */
  readonly #dTimeStamp = new Uint8Array(2 + MAX_TIMESTAMP_BYTES);
  #dTimeStampBytes = 0;
  #records: DecodedRecords | undefined;
  #idHalves: Uint32Array = new Uint32Array(0);
  #dataHalves: Uint32Array = new Uint32Array(0);
  #count = 0;

  constructor(initialBytes = 131_072) {
    this.#writer = new EntryWriter(FRAME_ENTRY_TAG, initialBytes);
  }

  /** Results added since {@link begin}. */
  get count(): number {
    return this.#count;
  }

  /** @param storedAtNs the instant the message was stored, in nanoseconds since the epoch */
  begin(records: DecodedRecords, storedAtNs: bigint): void {
    this.#records = records;
    this.#idHalves = halvesOf(records.ids);
    this.#dataHalves = halvesOf(records.data);
    this.#count = 0;
    this.#writer.length = 0;
    this.storedAt(storedAtNs);
  }

  /** Those added from here on are records of a message that was stored at another instant. */
  storedAt(storedAtNs: bigint): void {
    const nanos = BigInt.asUintN(64, ((storedAtNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
    const seconds = Number((storedAtNs - nanos) / 1_000_000_000n);
    const end = writeTimestamp(this.#dTimeStamp, 2, seconds, Number(nanos));
    this.#dTimeStamp[0] = RESULT_TAG.DTimeStamp;
    this.#dTimeStamp[1] = end - 2;
    this.#dTimeStampBytes = end;
  }

  /**
   * Adds the result of record `row`.
   *
   * @param processedAtMs the instant RData was ready, in milliseconds since the epoch with fraction
   */
  add(row: number, rData: bigint, processedAtMs: number): void {
    const records = this.#records;
    if (records === undefined) throw new Error("add() before begin()");
    const writer = this.#writer;
    const idHalves = this.#idHalves;
    const dataHalves = this.#dataHalves;
    const { starts, ends } = records.meta;
    const metaStart = starts[row] ?? 0;
    const metaEnd = ends[row] ?? 0;
    scratch[0] = rData;
    let at = writer.begin(FIXED_BYTES + metaEnd - metaStart);
    const { bytes } = writer;
    at = writeInt64Field(bytes, at, RESULT_TAG.ID, idHalves[2 * row] ?? 0, idHalves[2 * row + 1] ?? 0);
    at = writeInt64Field(bytes, at, RESULT_TAG.Data, dataHalves[2 * row] ?? 0, dataHalves[2 * row + 1] ?? 0);
    if (metaEnd > metaStart) {
      bytes[at] = RESULT_TAG.Meta;
      at = writeVarint32(bytes, at + 1, metaEnd - metaStart);
      at = writeBytes(bytes, at, records.meta.bytes, metaStart, metaEnd);
    }
    at = writeBytes(bytes, at, this.#dTimeStamp, 0, this.#dTimeStampBytes);
    at = writeInt64Field(bytes, at, RESULT_TAG.RData, scratchHalves[0] ?? 0, scratchHalves[1] ?? 0);
    writer.end(writeProcessTime(bytes, at, processedAtMs));
    this.#count += 1;
  }

  /** The finished MyResultFrame as a copy of its own, fit for transfer. */
  finish(): Uint8Array {
    return this.#writer.take();
  }
}

function writeProcessTime(bytes: Uint8Array, position: number, processedAtMs: number): number {
  const seconds = Math.floor(processedAtMs / 1000);
  const nanos = Math.min(999_999_999, Math.floor((processedAtMs - seconds * 1000) * 1_000_000));
  const end = writeTimestamp(bytes, position + 2, seconds, nanos);
  bytes[position] = RESULT_TAG.ProcessTime;
  bytes[position + 1] = end - position - 2;
  return end;
}

function halvesOf(column: BigInt64Array): Uint32Array {
  return new Uint32Array(column.buffer, column.byteOffset, column.length * 2);
}

/** The results of a message as columns, with what is known of each entry. */
export interface DecodedResults extends ResultColumns, DecodedEntries {
  /** Where columns and places of entries lie, all but those of own fields. */
  readonly memory: ArrayBuffer;
}

/**
 * Takes a MyResultFrame or a MyResult apart, by the rules of `decodeRecords`. An entry whose
 * Timestamp lies outside the years 0001 to 9999 is invalid.
 *
 * @param ownFields those that a user added to MyResult
 * @param pool where the memory comes from that is to go back there; of its own unless given
 * @throws EngineError `undecodable`, `park`, when the framing is broken or a single is no MyResult
 */
export function decodeResults(
  payload: Uint8Array,
  isFrame: boolean,
  ownFields: readonly OwnField[] = OWN_FIELDS,
  pool?: MemoryPool,
): DecodedResults {
  const reader = new WireReader(payload);
  const what = isFrame ? "MyResultFrame" : "MyResult";
  const columns = findEntriesInto(reader, isFrame, what, (count) => new ResultMemory(count, pool));
  const { metaStarts: starts, metaEnds: ends } = columns;
  const ids = halvesOf(columns.ids);
  const data = halvesOf(columns.data);
  const rData = halvesOf(columns.rData);
  const dTimeStamps = halvesOf(columns.dTimeStampsUs);
  const processTimes = halvesOf(columns.processTimesUs);
  const dTimeStamp = new TimestampReader("DTimeStamp");
  const processTime = new TimestampReader("ProcessTime");
  const own = new OwnFieldsReader(ownFields, payload, starts.length);
  const entries = decodeEntries(reader, columns, isFrame, what, (row, start, end) => {
    let at = usualInt64(payload, start, end, RESULT_TAG.ID, ids, row);
    at = usualInt64(payload, at, end, RESULT_TAG.Data, data, row);
    at = usualText(payload, at, end, RESULT_TAG.Meta, starts, ends, row);
    at = usualTimestamp(payload, at, end, RESULT_TAG.DTimeStamp, dTimeStamps, row);
    at = usualInt64(payload, at, end, RESULT_TAG.RData, rData, row);
    at = usualTimestamp(payload, at, end, RESULT_TAG.ProcessTime, processTimes, row);
    if (at === end && ownFields.length === 0) return;
    // A row may hold what is left of a broken entry.
    ids[2 * row] = ids[2 * row + 1] = data[2 * row] = data[2 * row + 1] = 0;
    rData[2 * row] = rData[2 * row + 1] = starts[row] = ends[row] = 0;
    dTimeStamp.reset();
    processTime.reset();
    own.reset(row);
    while (!reader.atEnd) {
      const tag = reader.tag();
      switch (tag) {
        case RESULT_TAG.ID:
          readInt64(reader, ids, row);
          break;
        case RESULT_TAG.Data:
          readInt64(reader, data, row);
          break;
        case RESULT_TAG.RData:
          readInt64(reader, rData, row);
          break;
        case RESULT_TAG.Meta: {
          const length = reader.length();
          checkText(payload, reader.position, reader.position + length, "Meta");
          starts[row] = reader.position;
          reader.position += length;
          ends[row] = reader.position;
          break;
        }
        case RESULT_TAG.DTimeStamp:
          dTimeStamp.read(reader, reader.length());
          break;
        case RESULT_TAG.ProcessTime:
          processTime.read(reader, reader.length());
          break;
        default:
          if (!own.read(tag, reader, row)) reader.skip(tag);
      }
    }
    dTimeStamp.store(dTimeStamps, row);
    processTime.store(processTimes, row);
    own.store(row);
  });
  return {
    ...entries,
    memory: columns.memory,
    ids: columns.ids,
    data: columns.data,
    rData: columns.rData,
    dTimeStampsUs: columns.dTimeStampsUs,
    processTimesUs: columns.processTimesUs,
    meta: { bytes: payload, starts, ends },
    own: own.columns,
  };
}

function readInt64(reader: WireReader, columnHalves: Uint32Array, row: number): void {
  reader.varint64();
  columnHalves[2 * row] = reader.lo;
  columnHalves[2 * row + 1] = reader.hi;
}
