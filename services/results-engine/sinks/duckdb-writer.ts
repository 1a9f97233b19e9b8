/** batch -> staging table -> one transaction: rows, totals and what tells redeliveries from repeats. */
import type { DuckDb } from "../../shared/duckdb.js";
import { DuckDbStaging } from "./duckdb-staging.js";
import type { DuckDbTables, WriteTime } from "./duckdb-table.js";
import type { Batch, WriteOutcome } from "./sink.js";

/**
 * How long a message with repeats is remembered. Twice the longest RESEND_AFTER_MS: by then it was
 * acked, or has come again.
 */
const REMEMBER_MS = 2 * 3_600_000;
/** Between two looks for messages to forget, in milliseconds. */
const FORGET_EVERY_MS = 60_000;

export interface DuckDbWriterParts {
  readonly db: DuckDb;
  readonly tables: DuckDbTables;
  readonly runId: string;
  readonly lateAfterMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** Writes one batch at a time. */
export class DuckDbWriter {
  readonly #parts: DuckDbWriterParts;
  #staging: DuckDbStaging | undefined;
  /** From when on a process before this one has no messages left that may come again. */
  #forgetAtMs: number;

  constructor(parts: DuckDbWriterParts) {
    this.#parts = parts;
    this.#forgetAtMs = parts.nowMs() + REMEMBER_MS;
  }

  /**
   * Resolves once the batch is durable; stores nothing of it otherwise.
   *
   * @throws whatever DuckDB throws
   */
  async write(batch: Batch): Promise<WriteOutcome> {
    const staging = this.#staging ?? (await DuckDbStaging.open(this.#parts.db));
    // Taken back only when all went well: see DuckDbStaging.
    this.#staging = undefined;
    try {
      staging.append(batch);
      const time = this.#time();
      const outcome =
        (await this.#insertNew(staging.table, batch.rows, time)) ??
        (await this.#merge(staging.table, batch.rows, time));
      await staging.clear().then(
        () => (this.#staging = staging),
        () => staging.discard(),
      );
      return outcome;
    } catch (thrown) {
      await staging.discard();
      throw thrown;
    }
  }

  /** The usual case, every ID is new: one statement. @returns undefined, and nothing stored, if not */
  #insertNew(staging: string, rows: number, time: WriteTime): Promise<WriteOutcome | undefined> {
    const { db, tables } = this.#parts;
    return this.#transaction(async () => {
      if ((await db.run(tables.insertNew(staging, time))) < rows) return undefined;
      const [counts] = await db.rows(tables.countLate(staging, time));
      return this.#account({ stored: rows, repeats: 0, replays: 0, late: Number(counts?.late) });
    });
  }

  /** Some ID is known or is in the batch twice: tell repeats from replays, let the newest win. */
  async #merge(staging: string, rows: number, time: WriteTime): Promise<WriteOutcome> {
    const { db, tables } = this.#parts;
    const outcome = await this.#transaction(async () => {
      const [counts] = await db.rows(tables.compare(staging, time));
      const stored = Number(counts?.news);
      const replays = Number(counts?.replays);
      const repeats = rows - stored - replays;
      await db.run(tables.mergeNewest(staging, time));
      if (repeats > 0) await db.run(tables.remember(String(counts?.messages), time));
      await this.#forget(time);
      return this.#account({ stored, repeats, replays, late: Number(counts?.late) });
    });
    if (outcome === undefined) throw new Error("a merge always has an outcome");
    return outcome;
  }

  async #forget({ nowUs }: WriteTime): Promise<void> {
    const nowMs = nowUs / 1_000;
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + FORGET_EVERY_MS;
    await this.#parts.db.run(this.#parts.tables.forget((nowMs - REMEMBER_MS) * 1_000));
  }

  /** Adds to the totals of the run, in the transaction of the rows. */
  async #account(counts: Omit<WriteOutcome, "rejected">): Promise<WriteOutcome> {
    const { db, tables, runId } = this.#parts;
    await db.run(tables.addTotals(runId, counts));
    return { ...counts, rejected: [] };
  }

  #time(): WriteTime {
    const { nowMs, lateAfterMs } = this.#parts;
    return { nowUs: nowMs() * 1_000, lateAfterUs: lateAfterMs * 1_000 };
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
