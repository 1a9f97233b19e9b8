import { DuckDb } from "../../shared/duckdb.js";
import type { ColumnAppender } from "../../shared/duckdb-columns.js";
import { EngineError, UserError, messageOf } from "../../shared/errors.js";
import type { ComponentState } from "../../shared/health.js";
import { allowParams } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { DuckDbTables, prepareTables } from "./duckdb-table.js";
import type { Batch, Sink, SinkContext, SinkTotals, WriteOutcome } from "./sink.js";

/** How long a write that failed waits before its messages come again, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/**
 * Opens `duckdb:PATH?table=results`. The table has the ID as its primary key, timestamps are UTC,
 * and what a run stored is counted in `TABLE_totals` in the same transactions.
 *
 * @throws UserError for an address that is none, a file that cannot be opened, and a table whose
 *   columns are others
 */
export async function openDuckDbSink(uri: PluginUri, context: SinkContext): Promise<Sink> {
  allowParams("SINK", uri, ["table"]);
  const setting = `SINK="${uri.text}"`;
  const table = uri.params.get("table") ?? "results";
  if (uri.path === "") throw new UserError(`${setting}: a file is missing, as in duckdb:results.duckdb`);
  if (table === "") throw new UserError(`${setting}: table= names no table`);
  const tables = new DuckDbTables(table);
  const db = await DuckDb.openFile(uri.path, setting);
  try {
    const earlierTotals = await prepareTables(db, tables, context.runId, setting);
    const appender = await db.appender(tables.staging, tables.stagingTypes);
    return new DuckDbSink({ db, appender, tables, context, earlierTotals }, `${table} in ${uri.path}`);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

interface DuckDbSinkParts {
  readonly db: DuckDb;
  readonly appender: ColumnAppender;
  readonly tables: DuckDbTables;
  readonly context: SinkContext;
  readonly earlierTotals: SinkTotals;
}

/** One connection and one batch at a time: DuckDB spreads each statement over the cores itself. */
class DuckDbSink implements Sink {
  readonly description: string;
  readonly maxConcurrentWrites = 1;
  readonly earlierTotals: SinkTotals;
  readonly #parts: DuckDbSinkParts;
  #problem: string | undefined;

  constructor(parts: DuckDbSinkParts, description: string) {
    this.#parts = parts;
    this.description = description;
    this.earlierTotals = parts.earlierTotals;
  }

  async write(batch: Batch): Promise<WriteOutcome> {
    try {
      const outcome = await this.#write(batch);
      this.#problem = undefined;
      return outcome;
    } catch (thrown) {
      const reason = messageOf(thrown).split("\n")[0] ?? "no reason";
      const { context } = this.#parts;
      if (this.#problem === undefined)
        context.warn({ reason }, `cannot write ${this.description}: ${reason}`);
      this.#problem = reason;
      // After a fatal error DuckDB refuses everything until the file is opened anew.
      const isFatal = /database has been invalidated|FATAL Error/i.test(messageOf(thrown));
      const action = isFatal ? "stop" : "retry";
      throw new EngineError("sink_failed", action, `cannot write ${this.description}: ${reason}`, {
        cause: thrown,
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
  }

  state(): ComponentState {
    return { ok: this.#problem === undefined, detail: this.#problem ?? this.description };
  }

  close(): Promise<void> {
    this.#parts.db.close();
    return Promise.resolve();
  }

  async #write(batch: Batch): Promise<WriteOutcome> {
    const { db, tables } = this.#parts;
    try {
      this.#stage(batch);
      return (await this.#insertNew(batch.rows)) ?? (await this.#merge(batch.rows));
    } finally {
      await db.run(`DELETE FROM ${tables.staging}`);
    }
  }

  #stage(batch: Batch): void {
    const { appender } = this.#parts;
    for (const part of batch.parts) {
      const { ids, data, meta, dTimeStampsUs, rData, processTimesUs } = part;
      appender.append([ids, data, meta, dTimeStampsUs, rData, processTimesUs], part.count);
    }
    appender.flush();
  }

  /** The usual case, every ID is new: one statement. @returns undefined, and nothing stored, if not */
  #insertNew(rows: number): Promise<WriteOutcome | undefined> {
    const { db, tables } = this.#parts;
    const lateAfterUs = this.#lateAfterUs;
    return this.#transaction(async () => {
      const nowUs = Date.now() * 1_000;
      if ((await db.run(tables.insertNew(nowUs, lateAfterUs))) < rows) return undefined;
      const [counts] = await db.rows(tables.countLate(nowUs, lateAfterUs));
      return this.#account({ stored: rows, repeats: 0, replays: 0, late: Number(counts?.late) });
    });
  }

  /** Some ID is known or is in the batch twice: tell repeats from replays, let the newest win. */
  async #merge(rows: number): Promise<WriteOutcome> {
    const { db, tables } = this.#parts;
    const lateAfterUs = this.#lateAfterUs;
    const outcome = await this.#transaction(async () => {
      const nowUs = Date.now() * 1_000;
      const [counts] = await db.rows(tables.countKnown(nowUs, lateAfterUs));
      const stored = Number(counts?.news);
      const replays = Number(counts?.replays);
      await db.run(tables.mergeNewest(nowUs, lateAfterUs));
      return this.#account({
        stored,
        replays,
        repeats: rows - stored - replays,
        late: Number(counts?.late),
      });
    });
    if (outcome === undefined) throw new Error("a merge always has an outcome");
    return outcome;
  }

  /** Adds to the totals of the run, in the transaction of the rows. */
  async #account(counts: Omit<WriteOutcome, "rejected">): Promise<WriteOutcome> {
    const { db, tables, context } = this.#parts;
    await db.run(tables.addTotals(context.runId, counts));
    return { ...counts, rejected: [] };
  }

  get #lateAfterUs(): number {
    return this.#parts.context.lateAfterMs * 1_000;
  }

  /** Commits what `work` did unless it gives undefined or throws. */
  async #transaction(work: () => Promise<WriteOutcome | undefined>): Promise<WriteOutcome | undefined> {
    const { db } = this.#parts;
    await db.run("BEGIN TRANSACTION");
    let outcome: WriteOutcome | undefined;
    try {
      outcome = await work();
      if (outcome !== undefined) await db.run("COMMIT");
    } catch (thrown) {
      // The transaction may be gone already; the first failure is the one to tell.
      await db.run("ROLLBACK").catch(() => 0);
      throw thrown;
    }
    if (outcome === undefined) await db.run("ROLLBACK");
    return outcome;
  }
}

/** Drops the tables of a sink, for a run that starts over. Touches nothing else in the file. */
export async function dropDuckDbTables(uri: PluginUri): Promise<void> {
  const db = await DuckDb.openFile(uri.path, `SINK="${uri.text}"`);
  for (const statement of new DuckDbTables(uri.params.get("table") ?? "results").drop)
    await db.run(statement);
  db.close();
}
