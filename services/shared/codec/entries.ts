import { isUtf8 } from "node:buffer";
import type { InvalidEntry } from "./columns.js";
import { WIRE, WireError, undecodable } from "./wire-reader.js";
import type { WireReader } from "./wire-reader.js";

/** Tag of the one field of both frame messages: `repeated ... = 1`. */
export const FRAME_ENTRY_TAG = (1 << 3) | WIRE.lengthDelimited;

/** Singles as the entries of one frame, in their order. */
export function frameOf(singles: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const single of singles) size += 1 + varintBytes(single.length) + single.length;
  const frame = new Uint8Array(size);
  let end = 0;
  for (const single of singles) {
    frame[end] = FRAME_ENTRY_TAG;
    end += 1;
    let rest = single.length;
    for (; rest >= 0x80; rest >>>= 7) {
      frame[end] = (rest & 0x7f) | 0x80;
      end += 1;
    }
    frame[end] = rest;
    frame.set(single, end + 1);
    end += 1 + single.length;
  }
  return frame;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Longest text that is looked through byte by byte for the ASCII fast path. */
const MAX_SHORT_TEXT = 64;

/** Where the entries of a message lie in its bytes. */
export interface EntrySpans {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Room for {@link DecodedEntries.entryIndexes}. */
  readonly indexes: Uint32Array;
}

function newSpans(count: number): EntrySpans {
  return {
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    indexes: new Uint32Array(count),
  };
}

/**
 * Finds the entries of a frame, or the one entry of a single.
 *
 * @param make room for so many entries
 * @throws EngineError `park` when the framing is broken, so no entry can be trusted
 */
export function findEntriesInto<Spans extends EntrySpans>(
  reader: WireReader,
  isFrame: boolean,
  what: string,
  make: (count: number) => Spans,
): Spans {
  if (!isFrame) {
    const spans = make(1);
    spans.starts[0] = 0;
    spans.ends[0] = reader.bytes.length;
    return spans;
  }
  try {
    const spans = make(walkFrame(reader, undefined));
    walkFrame(reader, spans);
    return spans;
  } catch (thrown) {
    throw undecodable(what, thrown);
  }
}

/** {@link findEntriesInto} memory of their own. */
export function findEntries(reader: WireReader, isFrame: boolean, what: string): EntrySpans {
  return findEntriesInto(reader, isFrame, what, newSpans);
}

/** Once to count, once to note: cheaper than columns that grow. */
function walkFrame(reader: WireReader, spans: EntrySpans | undefined): number {
  reader.window(0, reader.bytes.length);
  let count = 0;
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag !== FRAME_ENTRY_TAG) {
      reader.skip(tag);
      continue;
    }
    const length = reader.length();
    if (spans !== undefined) {
      spans.starts[count] = reader.position;
      spans.ends[count] = reader.position + length;
    }
    reader.position += length;
    count += 1;
  }
  return count;
}

/** What decoding the entries of a message gave, besides the columns. */
export interface DecodedEntries {
  /** Bytes of valid entry `i` inside {@link payload}: a single MyData or MyResult by itself. */
  readonly entryStarts: Uint32Array;
  readonly entryEnds: Uint32Array;
  /** Place of valid entry `i` among all entries of the message. */
  readonly entryIndexes: Uint32Array;
  readonly payload: Uint8Array;
  readonly invalid: readonly InvalidEntry[];
}

/**
 * Decodes each entry by `decodeEntry`, which is given its bytes and the reader's window on them, and puts it into row `row` of the caller's columns.
 * A broken entry is set aside and its row given to the next; a broken single is a broken message.
 *
 * @returns the number of valid entries beside what is known of them
 */
export function decodeEntries(
  reader: WireReader,
  spans: EntrySpans,
  isFrame: boolean,
  what: string,
  decodeEntry: (row: number, start: number, end: number) => void,
): DecodedEntries & { readonly count: number } {
  const { starts, ends, indexes: entryIndexes } = spans;
  const invalid: InvalidEntry[] = [];
  let row = 0;
  for (let index = 0; index < starts.length; index += 1) {
    const start = starts[index] ?? 0;
    const end = ends[index] ?? 0;
    try {
      reader.window(start, end);
      decodeEntry(row, start, end);
      starts[row] = start;
      ends[row] = end;
      entryIndexes[row] = index;
      row += 1;
    } catch (thrown) {
      if (!isFrame || !(thrown instanceof WireError)) throw undecodable(what, thrown);
      invalid.push({ index, bytes: reader.bytes.subarray(start, end), error: thrown.message });
    }
  }
  return { count: row, entryStarts: starts, entryEnds: ends, entryIndexes, payload: reader.bytes, invalid };
}

/** @throws WireError when the bytes are no UTF-8, which neither crunchers nor warehouses can take */
export function checkText(bytes: Uint8Array, start: number, end: number, field: string): void {
  if (!isText(bytes, start, end)) throw new WireError(`${field} is not UTF-8`);
}

/** Whether the bytes are UTF-8. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= MAX_SHORT_TEXT) {
    let index = start;
    while (index < end && (bytes[index] ?? 0) < 0x80) index += 1;
    if (index === end) return true;
  }
  return isUtf8(bytes.subarray(start, end));
}
