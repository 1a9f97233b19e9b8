/** The two tables that a run may end in, as the runner sees them. */
import { join } from "node:path";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import type { Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { timestampUs } from "../../services/fake-bigquery/values.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import type { Engine } from "./engine.js";
import type { StoredRow } from "./oracle.js";

export interface Table {
  /** Settings of the results-engines. */
  readonly env: Readonly<Record<string, string>>;
  /** How many results-engines may write to it at once. */
  readonly writers: number;
  /** Faults of its own; undefined where the sink is inside the engine. */
  readonly fake: FakeBigQuery | undefined;
  /** Paths of the requests that its faults happen to; those with rows unless told. */
  readonly faultsOn?: RegExp;
  /** Rows so far; undefined while nobody can tell. */
  storedRows(writers: readonly Engine[]): Promise<number | undefined>;
  /** Every row, once the engines have ended. */
  rows(): AsyncIterable<StoredRow>;
  /** What the sink itself counted; undefined where it does not. */
  totals(): Promise<{ stored: number; repeats: number } | undefined>;
  close(): Promise<void>;
}

const PAGE_ROWS = 50_000;

export function duckDbTable(folder: string): Table {
  const path = join(folder, "chaos.duckdb");
  return {
    env: { SINK: `duckdb:${path}` },
    writers: writersOf("duckdb", "stream"),
    fake: undefined,
    storedRows: async ([writer]) => writer?.metric("results_rows_total", 'outcome="stored"'),
    rows: () => duckDbRows(path),
    totals: async () => {
      const [totals] = await queryDuckDb(
        path,
        "select sum(Stored)::BIGINT as stored, sum(Repeats)::BIGINT as repeats from results_totals",
      );
      return { stored: Number(totals?.stored), repeats: Number(totals?.repeats) };
    },
    close: () => Promise.resolve(),
  };
}

async function* duckDbRows(path: string): AsyncGenerator<StoredRow, void, undefined> {
  const [last] = await queryDuckDb(path, "select max(rowid) rowid from results");
  for (let from = 0; from <= Number(last?.rowid ?? -1); from += PAGE_ROWS) {
    const rows = await queryDuckDb(
      path,
      `select ID as id, Data as data, Meta as meta, RData as "rData", epoch_us(DTimeStamp) as "dTimeUs",
        epoch_us(ProcessTime) as "processTimeUs", epoch_us(RTimeStamp) as "rTimeUs"
        from results where rowid between ${String(from)} and ${String(from + PAGE_ROWS - 1)}`,
    );
    yield* rows as unknown as StoredRow[];
  }
}

export const BIGQUERY_TABLE_MODES = ["stream", "write", "upsert", "load"] as const;
export type BigQueryTableMode = (typeof BIGQUERY_TABLE_MODES)[number];

/** How many results-engines write at once. */
export function writersOf(sink: "duckdb" | "bigquery", mode: BigQueryTableMode): number {
  return sink === "duckdb" || mode === "load" ? 1 : 2;
}

/** A batch becomes a job, and of those the first hundred start without a wait: see docs/bigquery.md. */
const LOAD_BATCH_MS = 2_000;

/** A BigQuery in this process: the view that shows each ID once, or the table that has each once. */
export async function bigQueryTable(mode: BigQueryTableMode, folder: string): Promise<Table> {
  const fake = await FakeBigQuery.start({ keepsRequests: false, writePort: 0 });
  const isLoad = mode === "load";
  const params: Readonly<Record<BigQueryTableMode, string>> = {
    stream: "",
    write: `&write-endpoint=${fake.write.url}`,
    upsert: `&write-endpoint=${fake.write.url}`,
    load: `&spool=${join(folder, "spool")}`,
  };
  const rowsOnce = (): readonly Json[] =>
    mode === "upsert" || isLoad ? fake.rows("d", "results") : fake.viewRows("d", "results");
  return {
    env: {
      SINK: `bigquery:chaos/d/results?mode=${mode}${params[mode]}`,
      BIGQUERY_API_ENDPOINT: fake.url,
      ...(isLoad ? { BATCH_MAX_WAIT_MS: String(LOAD_BATCH_MS) } : {}),
    },
    writers: writersOf("bigquery", mode),
    fake,
    ...(isLoad ? { faultsOn: /^jobs(?:\/|$)/ } : {}),
    storedRows: () => Promise.resolve(fake.rows("d", "results").length),
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for in memory
    rows: async function* () {
      for (const row of rowsOnce()) yield storedRowOf(row);
    },
    totals: () => Promise.resolve(undefined),
    close: () => fake.close(),
  };
}

function storedRowOf(row: Json): StoredRow {
  const int64 = (name: string): bigint => BigInt(row[name] as string | number);
  const us = (name: string): bigint => timestampUs(row[name]) ?? 0n;
  return {
    id: int64("ID"),
    data: int64("Data"),
    meta: String(row.Meta),
    rData: int64("RData"),
    dTimeUs: us("DTimeStamp"),
    processTimeUs: us("ProcessTime"),
    rTimeUs: us("RTimeStamp"),
  };
}
