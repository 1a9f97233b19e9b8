/** What the benches of the BigQuery sink share: rows, a sink, and a server that costs little. */
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import type { BigQueryOptions } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import type { Batch, Sink } from "../../services/results-engine/sinks/sink.js";
import type { ResultColumns } from "../../services/shared/codec/columns.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";

export const FRAME_ROWS = 2_048;

export type BenchMode = "stream" | "write" | "upsert" | "load";

/** Addresses of the server. */
export interface Addresses {
  readonly endpoint: string;
  readonly write: string;
}

/** Serves this process' parent: takes every body unread and keeps nothing. */
export async function serveUnread(): Promise<void> {
  const fake = await FakeBigQuery.start({ keepsRequests: false, writePort: 0 });
  const body = '{"kind":"bigquery#tableDataInsertAllResponse"}';
  fake.fail({ on: { path: /insertAll$/ }, body, times: Infinity }, { takesUnread: true, times: Infinity });
  process.send?.({ endpoint: fake.url, write: fake.write.url } satisfies Addresses);
  process.once("disconnect", () => void fake.close());
}

/** @param spool of mode load */
export function openBenchSink(
  { endpoint, write }: Addresses,
  mode: BenchMode,
  { spool, ...options }: BigQueryOptions & { readonly spool?: string } = {},
): Promise<Sink> {
  const context = { lateAfterMs: 60_000, runId: "bench", warn: () => undefined };
  const params: Readonly<Record<BenchMode, string>> = {
    stream: "",
    write: `&write-endpoint=${write}`,
    upsert: `&write-endpoint=${write}`,
    load: `&spool=${spool ?? ""}`,
  };
  const uri = parsePluginUri("SINK", `bigquery:p/d/t?mode=${mode}${params[mode]}`);
  return openBigQuerySink(uri, context, { endpoint, ...options });
}

/** Rows as crunched flights give them. @param wide IDs and data over all of int64 */
export function flights(frames: number, wide: boolean): Batch {
  const nowUs = BigInt(Date.now()) * 1_000n;
  const parts = Array.from({ length: frames }, (_, frame): ResultColumns => {
    const meta = Buffer.from("ABE-ORD".repeat(FRAME_ROWS));
    const column = (value: (row: number) => bigint): BigInt64Array =>
      BigInt64Array.from({ length: FRAME_ROWS }, (_entry, row) => value(frame * FRAME_ROWS + row));
    const spread = (row: number): bigint => BigInt.asIntN(64, BigInt(row + 1) * 0x9e3779b97f4a7c15n);
    return {
      count: FRAME_ROWS,
      ids: column((row) => (wide ? spread(row) : BigInt(1_000_000 + row))),
      data: column((row) => (wide ? spread(row * 7) : BigInt(100 + ((row * 7_919) % 2_500)))),
      meta: {
        bytes: meta,
        starts: Uint32Array.from({ length: FRAME_ROWS }, (_entry, row) => row * 7),
        ends: Uint32Array.from({ length: FRAME_ROWS }, (_entry, row) => row * 7 + 7),
      },
      dTimeStampsUs: column(() => nowUs - BigInt(frame)),
      rData: column((row) => BigInt(row % 300)),
      processTimesUs: column((row) => nowUs + BigInt(row)),
      own: [],
    };
  });
  return { parts, rows: frames * FRAME_ROWS };
}
