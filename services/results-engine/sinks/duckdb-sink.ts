import { setTimeout as delay } from "node:timers/promises";
import { DuckDb } from "../../shared/duckdb.js";
import { EngineError, UserError, messageOf } from "../../shared/errors.js";
import type { ComponentState } from "../../shared/health.js";
import { allowParams } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { prepareTables } from "./duckdb-prepare.js";
import { DuckDbTables } from "./duckdb-table.js";
import { DuckDbWriter } from "./duckdb-writer.js";
import type { Batch, Sink, SinkContext, SinkTotals, WriteOutcome } from "./sink.js";

/** Wait before a failed write is tried again, in milliseconds; doubles up to the longest. */
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

/** After such an error DuckDB refuses everything until the file is opened by a new process. */
const FATAL = /database has been invalidated|FATAL Error/i;

/** For tests. */
export interface DuckDbSinkOptions {
  /** Milliseconds since the epoch; default Date.now. */
  readonly nowMs?: () => number;
}

/**
 * Opens `duckdb:PATH?table=results`. The table has the ID as its primary key, timestamps are UTC,
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
  const db = await DuckDb.openFile(path, setting);
  try {
    const earlierTotals = await prepareTables(db, table, tables, context.runId, setting);
    const nowMs = options.nowMs ?? Date.now;
    const { runId, lateAfterMs } = context;
    const writer = new DuckDbWriter({ db, tables, runId, lateAfterMs, nowMs });
    return new DuckDbSink({ db, writer, context, earlierTotals }, `${table} in ${path}`);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
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
  if (table === "") throw new UserError(`${setting}: table= names no table`);
  return { setting, path: uri.path, table };
}

interface DuckDbSinkParts {
  readonly db: DuckDb;
  readonly writer: DuckDbWriter;
  readonly context: SinkContext;
  readonly earlierTotals: SinkTotals;
}

/** One connection and one batch at a time: DuckDB spreads each statement over the cores itself. */
class DuckDbSink implements Sink {
  readonly description: string;
  readonly maxConcurrentWrites = 1;
  readonly earlierTotals: SinkTotals;
  readonly #parts: DuckDbSinkParts;
  /** Why the newest try failed; undefined while all is well. */
  #problem: string | undefined;

  constructor(parts: DuckDbSinkParts, description: string) {
    this.#parts = parts;
    this.description = description;
    this.earlierTotals = parts.earlierTotals;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    for (let retryAfterMs = FIRST_RETRY_MS; ; retryAfterMs = Math.min(MAX_RETRY_MS, retryAfterMs * 2)) {
      try {
        const outcome = await this.#parts.writer.write(batch);
        this.#problem = undefined;
        return outcome;
      } catch (thrown) {
        this.#failed(thrown, signal);
      }
      // Woken by the signal too: the last try of a drain is the one after it.
      await delay(retryAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }

  state(): ComponentState {
    return { ok: this.#problem === undefined, detail: this.#problem ?? this.description };
  }

  close(): Promise<void> {
    this.#parts.db.close();
    return Promise.resolve();
  }

  /** Tells people once. @throws EngineError when another try is of no use or not wanted */
  #failed(thrown: unknown, signal: AbortSignal): void {
    const reason = reasonOf(thrown);
    const message = `cannot write ${this.description}: ${reason}`;
    if (FATAL.test(messageOf(thrown))) {
      this.#problem = reason;
      throw new EngineError("sink_broken", "stop", message, { cause: thrown });
    }
    if (this.#problem === undefined) {
      this.#parts.context.warn({ event: "sink_failed", reason }, `${message}; will try until it can`);
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
