import type { ResultColumns } from "../../shared/codec/columns.js";
import type { ComponentState } from "../../shared/health.js";

/** The results of one message, or of several that held one each and arrived together. */
export interface BatchPart extends ResultColumns {
  /** True if each row is a message of its own: delivered again, it may come in other company. */
  readonly isOfSingles?: boolean;
}

/** What a sink writes at once: the results of whole messages, in order of arrival. */
export interface Batch {
  readonly parts: readonly BatchPart[];
  /** Rows in all parts. */
  readonly rows: number;
}

/** A row that can never be stored. */
export interface RejectedRow {
  /** Index into {@link Batch.parts}. */
  readonly part: number;
  /** Row in that part. */
  readonly row: number;
  /** The warehouse's own words. */
  readonly reason: string;
}

/** What became of the rows of a batch: rows = stored + repeats + replays + rejected. */
export interface WriteOutcome {
  /** Rows whose ID was not in the warehouse. */
  readonly stored: number;
  /** Rows whose ID was there from another message; the newest ProcessTime won. */
  readonly repeats: number;
  /** Rows that were there from the same message (same ID and DTimeStamp): a redelivery, no news. */
  readonly replays: number;
  /** Rows of this batch stored more than LATE_AFTER_MS after their DTimeStamp. */
  readonly late: number;
  readonly rejected: readonly RejectedRow[];
}

/** What this run has done so far; kept with the rows where the sink can do both at once. */
export interface SinkTotals {
  readonly stored: number;
  readonly repeats: number;
  readonly late: number;
}

/** Where rows end. Holds no batch of its own: the batcher decides when to write. */
export interface Sink {
  /** Where the rows are, for people: `results in crunch.duckdb`. */
  readonly description: string;

  /** How many batches may be written at the same time. */
  readonly maxConcurrentWrites: number;

  /** Totals of this RUN_ID from before this process started; zeros where the sink cannot keep them. */
  readonly earlierTotals: SinkTotals;

  /** Totals of all runs from before this process started; undefined where the sink cannot keep them. */
  readonly lifetimeTotals: SinkTotals | undefined;

  /**
   * Stores a batch and resolves once it is durable, so the caller may ack. Safe to repeat.
   * Retries what may succeed later for as long as it takes; the caller's heartbeats keep the
   * messages from being delivered elsewhere meanwhile.
   *
   * @throws EngineError `retry` if nothing was stored and the messages should come again,
   *   `stop` if the sink is broken for good, or when `signal` aborted a wait between tries.
   */
  write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome>;

  /** Not ok while the sink is paused by an error of the whole table. */
  state(): ComponentState;

  /** Releases files and connections. Idempotent. */
  close(): Promise<void>;
}

/** What every sink is opened with. */
export interface SinkContext {
  /** X: a row stored later than this after its DTimeStamp is late, in milliseconds. */
  readonly lateAfterMs: number;
  /** Names the run whose totals are kept. */
  readonly runId: string;
  /** BIGQUERY_API_ENDPOINT: address of an emulator. */
  readonly bigQueryEndpoint?: string | undefined;
  /** For what a person must act on. */
  warn(details: Readonly<Record<string, unknown>>, message: string): void;
}
