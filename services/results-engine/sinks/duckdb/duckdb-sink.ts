import { setTimeout as delay } from "node:timers/promises";
import { DuckDb } from "../../../shared/duckdb.js";
import { EngineError, UserError, messageOf } from "../../../shared/errors.js";
import type { ComponentState } from "../../../shared/health.js";
import { allowParams } from "../../../shared/plugin-uri.js";
import type { PluginUri } from "../../../shared/plugin-uri.js";
import { DuckDbKeptBlocks } from "./kept-blocks.js";
import { lookAtDuckDb } from "./look.js";
import { prepareTables } from "./prepare.js";
import { DuckDbSchema } from "./table-schema.js";
import { DuckDbTables } from "./table.js";
import { DuckDbThreads } from "./threads.js";
import { addOutcome, committedSince } from "./totals.js";
import { DuckDbWriter } from "./writer.js";
import type { SinkLook } from "../sink-look.js";
import type { SinkSchema } from "../sink-schema.js";
import type { Batch, Sink, SinkContext, SinkTotals, WriteOutcome } from "../sink.js";

/** Wait before a failed write is tried again, in milliseconds; doubles up to the longest. */
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

/** After such an error DuckDB refuses everything until the file is opened anew. */
const FATAL = /database has been invalidated|FATAL Error/i;
/** The disk or a quota is full; another fatal error comes back however often the file is opened. */
const NO_ROOM = /No space left|File too large|quota exceeded/i;

/** For tests. */
export interface DuckDbSinkOptions {
  /** Milliseconds since the epoch; default Date.now. */
  readonly nowMs?: () => number;
}

/**
 * Opens `duckdb:PATH?table=results`. The table has each ID once, timestamps are UTC,
 * and what a run stored is counted in `TABLE_totals` in the same transactions.
 *
 * @throws UserError for an address that is none, a file that cannot be opened, and a table with other
 *   columns or keys
 */
export async function openDuckDbSink(
  uri: PluginUri,
  context: SinkContext,
  options: DuckDbSinkOptions = {},
): Promise<Sink> {
  const { setting, path, table } = addressOf(uri);
  const tables = new DuckDbTables(table);
  const nowMs = options.nowMs ?? Date.now;
  const { runId, lateAfterMs } = context;
  const open = async (): Promise<OpenFile> => {
    const db = await DuckDb.openFile(path, setting);
    try {
      const threads = await DuckDbThreads.of(db);
      const keptBlocks = await DuckDbKeptBlocks.of(db);
      const prepared = await prepareTables(db, tables, path, runId, setting);
      const { knownIds, earlierTotals, lifetimeTotals } = prepared;
      const writer = new DuckDbWriter({
        db,
        tables,
        knownIds,
        threads,
        keptBlocks,
        runId,
        lateAfterMs,
        nowMs,
      });
      const close = (): void => {
        knownIds.close();
        db.close();
      };
      return { close, totals: earlierTotals, lifetimeTotals, writer };
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  };
  return new DuckDbSink(`${table} in ${path}`, open, await open(), (details, message) =>
    context.warn(details, message),
  );
}

/** Looks at a sink without opening it to write. @throws UserError for an address that is none */
export function lookAtDuckDbSink(uri: PluginUri): Promise<SinkLook> {
  const { setting, path, table } = addressOf(uri);
  return lookAtDuckDb(setting, path, table);
}

/** The tables of a sink, as `crunch schema` sees them. @throws UserError for an address that is none */
export function duckDbSchema(uri: PluginUri): SinkSchema {
  const { setting, path, table } = addressOf(uri);
  return new DuckDbSchema(setting, path, table);
}

/** Drops the tables of a sink, for a run that starts over. Touches nothing else in the file. */
export async function dropDuckDbTables(uri: PluginUri): Promise<void> {
  const { setting, path, table } = addressOf(uri);
  const db = await DuckDb.openFile(path, setting);
  try {
    for (const statement of new DuckDbTables(table).drop) await db.run(statement);
  } catch (thrown) {
    throw new UserError(`${setting}: its tables cannot be dropped (${firstLine(thrown)})`);
  } finally {
    db.close();
  }
}

function addressOf(uri: PluginUri): { setting: string; path: string; table: string } {
  allowParams("SINK", uri, ["table"]);
  const setting = `SINK="${uri.text}"`;
  const table = uri.params.get("table") ?? "results";
  if (uri.path === "") throw new UserError(`${setting}: a file is missing, as in duckdb:results.duckdb`);
  if (uri.path.startsWith(":memory:")) {
    throw new UserError(
      `${setting}: a database in memory keeps nothing; name a file, as in duckdb:results.duckdb`,
    );
  }
  if (table === "") throw new UserError(`${setting}: table= names no table`);
  return { setting, path: uri.path, table };
}

/** The file while it is open. */
interface OpenFile {
  readonly close: () => void;
  readonly writer: DuckDbWriter;
  /** What the run had stored when the file was opened. */
  readonly totals: SinkTotals;
  readonly lifetimeTotals: SinkTotals;
}

/** One connection and one batch at a time: DuckDB spreads each statement over the cores itself. */
class DuckDbSink implements Sink {
  readonly description: string;
  readonly maxConcurrentWrites = 1;
  readonly earlierTotals: SinkTotals;
  readonly lifetimeTotals: SinkTotals;
  readonly #open: () => Promise<OpenFile>;
  readonly #warn: SinkContext["warn"];
  /** Undefined after DuckDB gave the file up, until it is opened anew. */
  #file: OpenFile | undefined;
  /** The batch that DuckDB gave the file up on: committed or not, the file will tell. */
  #inDoubt: Batch | undefined;
  /** What the run has stored as far as callers were told. */
  #totals: SinkTotals;
  /** Why the newest try failed; undefined while all is well. */
  #problem: string | undefined;

  constructor(description: string, open: () => Promise<OpenFile>, file: OpenFile, warn: SinkContext["warn"]) {
    this.description = description;
    this.#open = open;
    this.#file = file;
    this.#warn = warn;
    this.#totals = this.earlierTotals = file.totals;
    this.lifetimeTotals = file.lifetimeTotals;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    for (let retryAfterMs = FIRST_RETRY_MS; ; retryAfterMs = Math.min(MAX_RETRY_MS, retryAfterMs * 2)) {
      try {
        const outcome = await this.#tryToWrite(batch);
        this.#succeeded(outcome);
        return outcome;
      } catch (thrown) {
        this.#failed(thrown, batch, signal);
      }
      // Woken by the signal too: the last try of a drain is the one after it.
      await delay(retryAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #tryToWrite(batch: Batch): Promise<WriteOutcome> {
    if (this.#file !== undefined) return this.#file.writer.write(batch);
    const file = await this.#open();
    this.#file = file;
    const committed = committedSince(this.#totals, file.totals, batch.rows);
    if (committed !== undefined && this.#inDoubt === batch) return committed;
    // What a batch before this one left there: its messages were given back and come again.
    this.#totals = file.totals;
    return file.writer.write(batch);
  }

  state(): ComponentState {
    return { ok: this.#problem === undefined, detail: this.#problem ?? this.description };
  }

  close(): Promise<void> {
    this.#file?.close();
    return Promise.resolve();
  }

  #succeeded(outcome: WriteOutcome): void {
    this.#totals = addOutcome(this.#totals, outcome);
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#warn({ event: "sink_resumed" }, `writes ${this.description} again`);
  }

  /** Tells people once. @throws EngineError when another try is of no use or not wanted */
  #failed(thrown: unknown, batch: Batch, signal: AbortSignal): void {
    if (thrown instanceof EngineError) throw thrown;
    const reason = reasonOf(thrown);
    const message = `cannot write ${this.description}: ${reason}`;
    // Without a file it was the opening that failed, which is worth another try whatever it says.
    if (this.#file !== undefined && FATAL.test(messageOf(thrown))) {
      this.#file.close();
      this.#file = undefined;
      this.#inDoubt = batch;
      if (!NO_ROOM.test(messageOf(thrown))) {
        this.#problem = reason;
        throw new EngineError("sink_broken", "stop", message, { cause: thrown });
      }
    }
    if (this.#problem === undefined) {
      this.#warn({ event: "sink_failed", reason }, `${message}; will try until it can`);
    }
    this.#problem = reason;
    if (signal.aborted) throw new EngineError("sink_failed", "retry", message, { cause: thrown });
  }
}

/** DuckDB's own words, without its advice; for a database it gave up on, those of the first error. */
function reasonOf(thrown: unknown): string {
  const original = /Original error: "([^]*)"\s*$/.exec(messageOf(thrown))?.[1];
  return original?.split("\n")[0] ?? firstLine(thrown);
}

function firstLine(thrown: unknown): string {
  return messageOf(thrown).split("\n")[0] ?? "no reason";
}
