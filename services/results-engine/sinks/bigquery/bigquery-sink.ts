import type { PluginUri } from "../../../shared/plugin-uri.js";
import { BigQueryClient } from "./client.js";
import type { BigQueryClock } from "./clock.js";
import { systemClock } from "./clock.js";
import { TableGate } from "./gate.js";
import { Inserter } from "./insert.js";
import { LoadJobs } from "./load-job.js";
import { LoadJournal } from "./load-journal.js";
import { LoadPace } from "./load-pace.js";
import { BigQueryLoadSink } from "./load-sink.js";
import { Spool } from "./load-spool.js";
import { lookAtBigQuery } from "./look.js";
import { RowEncoder } from "./rows.js";
import { Slots } from "./slots.js";
import { BigQueryTable } from "./table.js";
import { parseBigQueryUri } from "./uri.js";
import type { BigQueryTarget } from "./uri.js";
import { eitherSignal } from "./either-signal.js";
import type { SinkLook } from "../sink-look.js";
import type { Batch, RejectedRow, Sink, SinkContext, WriteOutcome } from "../sink.js";

/** What the environment and tests may say; the address of the table is in the URI. */
export interface BigQueryOptions {
  /** BIGQUERY_API_ENDPOINT: an emulator. `endpoint=` of the URI wins. */
  readonly endpoint?: string | undefined;
  /** Rows of one request; 1 to 50,000. BigQuery recommends 500, see test/bench. */
  readonly maxRequestRows?: number;
  /** Bytes of one request; BigQuery takes 10 MB. */
  readonly maxRequestBytes?: number;
  /** A request without an answer for this long is sent again, in milliseconds. */
  readonly deadlineMs?: number;
  /** Whether bodies are gzipped; unless told, on the way to Google and not to an emulator nearby. */
  readonly compresses?: boolean;
  readonly clock?: BigQueryClock;
}

const MAX_REQUEST_ROWS = 1_000;
const MAX_REQUEST_BYTES = 9_000_000;
/** What is written to the spool at once; a larger row is rejected, in every mode alike. */
const LOAD_LIMITS = { maxRows: 4_096, maxBytes: MAX_REQUEST_BYTES };
const DEADLINE_MS = 30_000;
/** Requests on their way at once: one waits for the network while another is encoded. */
const MAX_IN_FLIGHT = 4;

/**
 * Opens `bigquery:PROJECT/DATASET/TABLE?mode=stream`: rows by insertAll, at least once in the table
 * and once per ID, the newest ProcessTime, in the view `TABLE_view`. Dataset, table and view are made
 * when absent. Credentials are Google's application default ones; none are sent to an `endpoint`.
 *
 * @throws UserError for an address that is none, a BigQuery that cannot be reached or refuses, and a
 *   table that does not fit
 */
export async function openBigQuerySink(
  uri: PluginUri,
  context: SinkContext,
  options: BigQueryOptions = {},
): Promise<Sink> {
  const target = parseBigQueryUri(uri, options.endpoint);
  const clock = options.clock ?? systemClock;
  if (target.endpoint !== undefined) {
    context.warn(
      { event: "sink_without_credentials", endpoint: target.endpoint },
      `BigQuery is ${target.endpoint}: requests go there without credentials`,
    );
  }
  const client = new BigQueryClient(target, clock, options.compresses ?? target.endpoint === undefined);
  const table = new BigQueryTable(client, target, clock);
  const { windowed, location, incarnation } = await table.prepare();
  const gate = new TableGate(clock, (details, message) => context.warn(details, message));
  if (target.mode === "load") {
    const setting = `SINK="${uri.text}"`;
    return openLoadSink({ target, setting, context, clock, client, table, gate, location, incarnation });
  }
  const inserter = new Inserter({
    client,
    clock,
    gate,
    path: table.insertPath,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    acceptsNoKind: target.endpoint !== undefined,
    difference: () => table.difference(),
  });
  const limits = {
    maxRows: options.maxRequestRows ?? MAX_REQUEST_ROWS,
    maxBytes: options.maxRequestBytes ?? MAX_REQUEST_BYTES,
  };
  const encoder = new RowEncoder(limits, context.lateAfterMs, windowed);
  return new BigQuerySink(`${table.name} in BigQuery`, { encoder, inserter, gate, clock });
}

async function openLoadSink(parts: {
  readonly target: BigQueryTarget;
  readonly setting: string;
  readonly context: SinkContext;
  readonly clock: BigQueryClock;
  readonly client: BigQueryClient;
  readonly table: BigQueryTable;
  readonly gate: TableGate;
  readonly location: string | undefined;
  readonly incarnation: string;
}): Promise<Sink> {
  const { target, setting, context, clock, client, table, gate, location, incarnation } = parts;
  const spool = await Spool.open(target.spool, setting);
  // Load jobs take any day, unlike insertAll.
  const encoder = new RowEncoder(LOAD_LIMITS, context.lateAfterMs, false);
  return new BigQueryLoadSink({
    description: `${table.name} in BigQuery`,
    encoder,
    gate,
    clock,
    spool,
    journal: await LoadJournal.open(spool, `${table.name}@${incarnation}`, () => clock.nowMs()),
    pace: await LoadPace.open(spool, clock, target.loadsPerDay),
    jobs: new LoadJobs({ client, clock, gate, target, location }),
    gzips: target.endpoint === undefined,
    difference: () => table.difference(),
  });
}

/** Looks at a sink without opening it. @throws UserError for an address that is none */
export async function lookAtBigQuerySink(
  uri: PluginUri,
  options: Pick<BigQueryOptions, "endpoint"> = {},
): Promise<SinkLook> {
  const target = parseBigQueryUri(uri, options.endpoint);
  const remarks = await lookAtBigQuery(new BigQueryClient(target, systemClock, false), target);
  return { remarks, folder: undefined, deadlineMs: DEADLINE_MS };
}

interface SinkParts {
  readonly encoder: RowEncoder;
  readonly inserter: Inserter;
  readonly gate: TableGate;
  readonly clock: BigQueryClock;
}

class BigQuerySink implements Sink {
  readonly description: string;
  readonly maxConcurrentWrites = 2;
  /** A stream of rows cannot keep totals beside them. */
  readonly earlierTotals = { stored: 0, repeats: 0, late: 0 };
  readonly lifetimeTotals = undefined;
  readonly #parts: SinkParts;
  readonly #slots = new Slots(MAX_IN_FLIGHT);
  /** Aborts what still waits when the sink is closed. */
  readonly #closing = new AbortController();

  constructor(description: string, parts: SinkParts) {
    this.description = description;
    this.#parts = parts;
  }

  /** Repeats and replays stay 0: insertAll does not tell them from news. */
  async write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    const { encoder, inserter, clock } = this.#parts;
    const { ending, release: releaseSignals } = eitherSignal(signal, this.#closing.signal);
    const rows = encoder.rows(batch);
    const rejected: RejectedRow[] = rows.rejected;
    let stored = 0;
    let late = 0;
    const sendOn = async (): Promise<void> => {
      while (rows.current() !== undefined) {
        const release = await this.#slots.take();
        try {
          const request = encoder.next(rows, clock.nowMs());
          if (request === undefined) return;
          const outcome = await inserter.insert(request, ending);
          stored += outcome.stored;
          late += outcome.late;
          rejected.push(...outcome.rejected);
        } finally {
          release();
        }
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, sendOn));
    // Only after the last sender: nothing of this batch is under way when the caller gives up on it.
    releaseSignals();
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { stored, repeats: 0, replays: 0, late, rejected };
  }

  state(): ReturnType<Sink["state"]> {
    return this.#parts.gate.state();
  }

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }
}
