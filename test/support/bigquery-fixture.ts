import type { TestContext } from "node:test";
import type { BigQueryOptions } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import { openBigQuerySink } from "../../services/results-engine/sinks/bigquery/bigquery-sink.js";
import type { Sink, WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import type { ResultColumns } from "../../services/shared/codec/columns.js";
import { parsePluginUri } from "../../services/shared/plugin-uri.js";
import type { FakeBigQueryOptions, Json } from "../../services/fake-bigquery/fake-bigquery.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { ManualClock } from "./manual-clock.js";

export interface PlainResult {
  readonly id: bigint;
  readonly data?: bigint;
  readonly meta?: string;
  readonly dTimeUs?: bigint;
  readonly rData?: bigint;
  readonly processTimeUs?: bigint;
}

/** 2026-01-02T03:04:05.123456Z, half a second before the manual clock starts. */
export const STORED_AT_US = BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1000n + 123_456n;

/** Results as the codec would hand them over. */
export function resultColumns(results: readonly PlainResult[]): ResultColumns {
  const metas = results.map(({ meta }) => Buffer.from(meta ?? ""));
  const ends = Uint32Array.from(metas.map((_, index) => Buffer.concat(metas.slice(0, index + 1)).length));
  const starts = Uint32Array.from(metas.map((meta, index) => (ends[index] ?? 0) - meta.length));
  const column = (value: (result: PlainResult) => bigint | undefined, absent: bigint): BigInt64Array =>
    BigInt64Array.from(results.map((result) => value(result) ?? absent));
  return {
    count: results.length,
    ids: column((result) => result.id, 0n),
    data: column((result) => result.data, 1n),
    meta: { bytes: Buffer.concat(metas), starts, ends },
    dTimeStampsUs: column((result) => result.dTimeUs, STORED_AT_US),
    rData: column((result) => result.rData, 2n),
    processTimesUs: column((result) => result.processTimeUs, STORED_AT_US + 1n),
    own: [],
  };
}

export function numbered(count: number): PlainResult[] {
  return Array.from({ length: count }, (_, index) => ({ id: BigInt(index + 1) }));
}

/** Each ID of some rows once, in order. */
export function idsOf(rows: readonly Json[]): number[] {
  return [...new Set(rows.map(({ ID }) => Number(ID)))].sort((a, b) => a - b);
}

/** The modes whose rows go by the Storage Write API. */
export type AppendMode = "write" | "upsert";
export const APPEND_MODES: readonly AppendMode[] = ["write", "upsert"];

export interface Fixture {
  readonly fake: FakeBigQuery;
  readonly sink: Sink;
  readonly clock: ManualClock;
  /** Messages of the sink to people, the one about the missing credentials left out. */
  readonly warnings: readonly string[];
  /** Writes a batch of one part. */
  readonly write: (results: readonly PlainResult[], signal?: AbortSignal) => Promise<WriteOutcome>;
  /** Rows of the table, and those of the view. */
  readonly rows: () => readonly Json[];
  readonly viewRows: () => readonly Json[];
}

const urlOfWrite = (fake: FakeBigQuery): string => fake.write.url;

/**
 * A sink on `bigquery:p/d/t` of a fake of its own; both end with the test.
 *
 * @param options `mode` opens a sink whose appends go to `writeEndpoint`, the fake's own unless told
 */
export async function openFixture(
  test: TestContext,
  options: FakeBigQueryOptions &
    BigQueryOptions & {
      readonly uri?: string;
      readonly mode?: AppendMode;
      /** Of the URI, the mode among them. */
      readonly params?: string;
      readonly writeEndpoint?: (fake: FakeBigQuery) => string;
    } = {},
): Promise<Fixture> {
  const { mode, writeEndpoint = urlOfWrite } = options;
  const { params = mode === undefined ? "" : `mode=${mode}` } = options;
  const appends = /mode=(?:write|upsert)/.test(params);
  const clock = new ManualClock();
  const writePort = appends ? 0 : undefined;
  const fake = await FakeBigQuery.start({ nowMs: clock.nowMs, writePort, ...options });
  test.after(() => fake.close());
  const warnings: string[] = [];
  const context = {
    lateAfterMs: 1_000,
    runId: "run",
    warn: (_details: unknown, message: string) => void warnings.push(message),
  };
  const address =
    options.uri ?? `bigquery:p/d/t?${params}${appends ? `&write-endpoint=${writeEndpoint(fake)}` : ""}`;
  const uri = parsePluginUri("SINK", address);
  const sink = await openBigQuerySink(uri, context, { clock, endpoint: fake.url, ...options });
  warnings.length = 0;
  test.after(() => sink.close());
  return {
    fake,
    sink,
    clock,
    warnings,
    write: (results, signal = new AbortController().signal) =>
      sink.write({ parts: [resultColumns(results)], rows: results.length }, signal),
    rows: () => fake.rows("d", "t"),
    viewRows: () => fake.viewRows("d", "t"),
  };
}
