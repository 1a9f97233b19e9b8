/** Small parts as few larger ones: what a warehouse does for each part costs more than copying a few rows. */
import type { ResultColumns } from "../../../shared/codec/columns.js";

/** Parts of this many rows are passed on as they are. */
const LARGE_ROWS = 512;
/** Rows of a joined part, at most: DuckDB's vector size. */
const JOINED_ROWS = 2_048;

/** The same rows in the same order. Parts of a single each, as other clients send them, end in thousands. */
export function joinedParts(parts: readonly ResultColumns[]): ResultColumns[] {
  const joined: ResultColumns[] = [];
  let small: ResultColumns[] = [];
  let rows = 0;
  const joinSmall = (): void => {
    const [first] = small;
    if (first !== undefined) joined.push(small.length === 1 ? first : join(small, rows));
    small = [];
    rows = 0;
  };
  for (const part of parts) {
    if (rows + part.count > JOINED_ROWS || part.count >= LARGE_ROWS) joinSmall();
    if (part.count >= LARGE_ROWS) joined.push(part);
    else {
      small.push(part);
      rows += part.count;
    }
  }
  joinSmall();
  return joined;
}

function join(parts: readonly ResultColumns[], count: number): ResultColumns {
  const columns = {
    ids: new BigInt64Array(count),
    data: new BigInt64Array(count),
    dTimeStampsUs: new BigInt64Array(count),
    rData: new BigInt64Array(count),
    processTimesUs: new BigInt64Array(count),
  };
  const meta = {
    bytes: new Uint8Array(parts.reduce((sum, part) => sum + metaBytes(part), 0)),
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
  };
  let row = 0;
  let used = 0;
  for (const part of parts) {
    for (const name of ["ids", "data", "dTimeStampsUs", "rData", "processTimesUs"] as const) {
      columns[name].set(part[name].subarray(0, part.count), row);
    }
    const { bytes, starts, ends } = part.meta;
    for (let index = 0; index < part.count; index += 1, row += 1) {
      const start = starts[index] ?? 0;
      const end = ends[index] ?? 0;
      meta.bytes.set(bytes.subarray(start, end), used);
      meta.starts[row] = used;
      used += end - start;
      meta.ends[row] = used;
    }
  }
  return { count, ...columns, meta };
}

function metaBytes({ count, meta: { starts, ends } }: ResultColumns): number {
  let bytes = 0;
  for (let row = 0; row < count; row += 1) bytes += (ends[row] ?? 0) - (starts[row] ?? 0);
  return bytes;
}
