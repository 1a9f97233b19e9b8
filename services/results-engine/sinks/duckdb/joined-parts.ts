/** Small parts as few larger ones: what a warehouse does for each part costs more than copying a few rows. */
import type { OwnColumn, ResultColumns, TextColumn } from "../../../shared/codec/columns.js";

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
  let row = 0;
  for (const part of parts) {
    for (const name of ["ids", "data", "dTimeStampsUs", "rData", "processTimesUs"] as const) {
      columns[name].set(part[name].subarray(0, part.count), row);
    }
    row += part.count;
  }
  const counts = parts.map((part) => part.count);
  const meta = joinTexts(
    parts.map((part) => part.meta),
    counts,
  );
  const own =
    parts[0]?.own.map((_, index) =>
      joinOwn(
        parts.map((part) => part.own[index]),
        counts,
      ),
    ) ?? [];
  return { count, ...columns, meta, own };
}

/** @param columns of one field, all of one kind */
function joinOwn(columns: readonly (OwnColumn | undefined)[], counts: readonly number[]): OwnColumn {
  const count = counts.reduce((sum, rows) => sum + rows, 0);
  const joinInto = <Values extends BigInt64Array | Uint8Array | Float64Array>(into: Values): Values => {
    let row = 0;
    for (const [index, column] of (columns as readonly Values[]).entries()) {
      const rows = counts[index] ?? 0;
      into.set(column.subarray(0, rows) as Float64Array & Uint8Array & BigInt64Array, row);
      row += rows;
    }
    return into;
  };
  const [first] = columns;
  if (first instanceof BigInt64Array) return joinInto(new BigInt64Array(count));
  if (first instanceof Float64Array) return joinInto(new Float64Array(count));
  if (first instanceof Uint8Array) return joinInto(new Uint8Array(count));
  return joinTexts(columns as readonly TextColumn[], counts);
}

function joinTexts(columns: readonly TextColumn[], counts: readonly number[]): TextColumn {
  const count = counts.reduce((sum, rows) => sum + rows, 0);
  const bytes = columns.reduce((sum, column, index) => sum + textBytes(column, counts[index] ?? 0), 0);
  const joined = {
    bytes: new Uint8Array(bytes),
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
  };
  let row = 0;
  let used = 0;
  for (const [place, { bytes, starts, ends }] of columns.entries()) {
    const rows = counts[place] ?? 0;
    for (let index = 0; index < rows; index += 1, row += 1) {
      const start = starts[index] ?? 0;
      const end = ends[index] ?? 0;
      joined.bytes.set(bytes.subarray(start, end), used);
      joined.starts[row] = used;
      used += end - start;
      joined.ends[row] = used;
    }
  }
  return joined;
}

function textBytes({ starts, ends }: TextColumn, count: number): number {
  let bytes = 0;
  for (let row = 0; row < count; row += 1) bytes += (ends[row] ?? 0) - (starts[row] ?? 0);
  return bytes;
}
