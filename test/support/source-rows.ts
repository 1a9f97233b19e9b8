import type { BadRow, Source, SourceChunk } from "../../services/data-engine/sources/source.js";

export type SourceRecord = readonly [id: bigint, data: bigint, meta: string];

export interface SourceRows {
  readonly records: SourceRecord[];
  readonly bad: BadRow[];
  readonly chunks: SourceChunk[];
  readonly endPosition: number;
}

/** Reads a source to its end, or until `enough` says so, and closes nothing. */
export async function readRows(
  source: Source,
  fromPosition = 0,
  enough: (rows: SourceRows) => boolean = () => false,
): Promise<SourceRows> {
  const stop = new AbortController();
  const rows = { records: [] as SourceRecord[], bad: [] as BadRow[], chunks: [] as SourceChunk[] };
  let endPosition = fromPosition;
  for await (const chunk of source.chunks(fromPosition, stop.signal)) {
    rows.chunks.push(chunk);
    rows.records.push(...recordsOf(chunk));
    rows.bad.push(...chunk.bad);
    endPosition = chunk.endPosition;
    if (enough({ ...rows, endPosition })) stop.abort();
  }
  return { ...rows, endPosition };
}

export function recordsOf(chunk: SourceChunk): SourceRecord[] {
  return Array.from(chunk.ids, (id, index) => [id, chunk.data[index] ?? 0n, chunk.meta[index] ?? ""]);
}

/** A chunk whose good rows are `records` and whose bad rows lie at the positions of `bad`. */
export function chunkOf(
  records: readonly SourceRecord[],
  endPosition: number,
  bad: readonly BadRow[] = [],
): SourceChunk {
  return {
    ids: BigInt64Array.from(records, ([id]) => id),
    data: BigInt64Array.from(records, ([, data]) => data),
    meta: records.map(([, , meta]) => meta),
    bad,
    endPosition,
  };
}
