import type { PluginUri } from "../../../shared/plugin-uri.js";
import { appendClient } from "./append-client.js";
import { Appends } from "./append.js";
import { BigQueryClient } from "./client.js";
import type { BigQueryClock } from "./clock.js";
import { systemClock } from "./clock.js";
import { TableGate } from "./gate.js";
import { InsertAll } from "./insert-all.js";
import { Inserter } from "./insert.js";
import type { RowTransport } from "./insert.js";
import { JsonRows } from "./json-rows.js";
import { LoadJobs } from "./load-job.js";
import { LoadJournal } from "./load-journal.js";
import { LoadPace } from "./load-pace.js";
import { BigQueryLoadSink } from "./load-sink.js";
import { Spool } from "./load-spool.js";
import { lookAtBigQuery } from "./look.js";
import { ProtoRows, rowDescriptor } from "./proto-rows.js";
import { RowSink } from "./row-sink.js";
import { RowEncoder } from "./rows.js";
import type { RequestLimits, RowFormat } from "./rows.js";
import { BigQueryTable } from "./table.js";
import { parseBigQueryUri } from "./uri.js";
import type { BigQueryTarget } from "./uri.js";
import type { SinkLook } from "../sink-look.js";
import type { Sink, SinkContext } from "../sink.js";

/** What the environment and tests may say; the address of the table is in the URI. */
export interface BigQueryOptions {
  /** BIGQUERY_API_ENDPOINT: an emulator. `endpoint=` of the URI wins. */
  readonly endpoint?: string | undefined;
  /** Rows of one request; for insertAll 1 to 50,000. BigQuery recommends 500, see test/bench. */
  readonly maxRequestRows?: number;
  /** Bytes of one request; BigQuery takes 10 MB. */
  readonly maxRequestBytes?: number;
  /** A request without an answer for this long is sent again, in milliseconds. */
  readonly deadlineMs?: number;
  /** Whether bodies are gzipped; unless told, on the way to Google and not to an emulator nearby. */
  readonly compresses?: boolean;
  readonly clock?: BigQueryClock;
}

const INSERT_MAX_ROWS = 1_000;
const MAX_REQUEST_BYTES = 9_000_000;
/** A megabyte an append: larger ones are no faster, and more is lost time when one is sent again. */
const APPEND_LIMITS = { maxRows: 10_000, maxBytes: MAX_REQUEST_BYTES, enoughBytes: 1_000_000 };
/** What is written to the spool at once; a larger row is rejected, in every mode alike. */
const LOAD_LIMITS = { maxRows: 4_096, maxBytes: MAX_REQUEST_BYTES };
const DEADLINE_MS = 30_000;

/**
 * Opens `bigquery:PROJECT/DATASET/TABLE?mode=...`. With `stream` (insertAll) and `write` (appends) a row is at
 * least once in the table and once per ID, the newest ProcessTime, in the view `TABLE_view`; with `upsert`
 * (appends) in the table too; `load` has jobs. Dataset, table and view are made when absent. Credentials are Google's application default ones; none are sent to an `endpoint`.
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
  const { format, transport, limits } =
    target.mode === "stream" ? byInsertAll(target, client, table) : byAppends(target, clock);
  const { lateAfterMs } = context;
  const { maxRequestRows: maxRows = limits.maxRows, maxRequestBytes: maxBytes = limits.maxBytes } = options;
  return new RowSink({
    description: `${table.name} in BigQuery`,
    encoder: new RowEncoder({ ...limits, maxRows, maxBytes }, lateAfterMs, windowed, format),
    transport,
    inserter: new Inserter({
      transport,
      clock,
      gate,
      deadlineMs: options.deadlineMs ?? DEADLINE_MS,
      difference: () => table.difference(),
    }),
    gate,
    clock,
  });
}

/** How rows of a mode look and how they go. */
interface Way {
  readonly format: RowFormat;
  readonly transport: RowTransport;
  readonly limits: RequestLimits;
}

function byInsertAll(target: BigQueryTarget, client: BigQueryClient, table: BigQueryTable): Way {
  return {
    format: new JsonRows(),
    transport: new InsertAll(client, table.insertPath, target.endpoint !== undefined),
    limits: { maxRows: INSERT_MAX_ROWS, maxBytes: MAX_REQUEST_BYTES },
  };
}

function byAppends(target: BigQueryTarget, clock: BigQueryClock): Way {
  const upserts = target.mode === "upsert";
  return {
    format: new ProtoRows(upserts),
    transport: new Appends(appendClient(target, rowDescriptor(upserts)), clock),
    limits: APPEND_LIMITS,
  };
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
  const encoder = new RowEncoder(LOAD_LIMITS, context.lateAfterMs, false, new JsonRows());
  return new BigQueryLoadSink({
    description: `${table.name} in BigQuery`,
    encoder,
    gate,
    clock,
    spool,
    journal: await LoadJournal.open(spool, `${table.name}@${incarnation}`, clock.elapsedMs),
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
