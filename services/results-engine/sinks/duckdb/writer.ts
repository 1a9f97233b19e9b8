/** batch -> one transaction: rows, totals and what tells redeliveries from repeats. */
import type { DuckDb } from "../../../shared/duckdb.js";
import type { DuckDbKeptBlocks } from "./kept-blocks.js";
import { DuckDbRows } from "./rows.js";
import { DuckDbStaging } from "./staging.js";
import type { DuckDbTables, WriteTime } from "./table.js";
import type { DuckDbThreads } from "./threads.js";
import type { KnownIds } from "./known-ids.js";
import type { Batch, WriteOutcome } from "../sink.js";

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
  readonly knownIds: KnownIds;
  readonly threads: DuckDbThreads;
  readonly keptBlocks: DuckDbKeptBlocks;
  readonly runId: string;
  readonly lateAfterMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** Writes one batch at a time. */
export class DuckDbWriter {
  readonly #parts: DuckDbWriterParts;
  #rows: DuckDbRows | undefined;
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
    const time = this.#time();
    const { knownIds, threads, keptBlocks } = this.#parts;
    if (knownIds.areNew(batch)) {
      await threads.forAppend();
      await keptBlocks.forAppend(batch.rows);
      return this.#append(batch, time);
    }
    await threads.forMerge();
    return this.#merge(batch, time);
  }

  /** The usual case, every ID is new: the columns go into the table as they are. */
  async #append(batch: Batch, time: WriteTime): Promise<WriteOutcome> {
    const { db, tables } = this.#parts;
    const rows = this.#rows ?? (await DuckDbRows.open(db, tables.name));
    // Taken back only when all went well: see DuckDbRows.
    this.#rows = undefined;
    try {
      const outcome = await this.#transaction(() => {
        const late = rows.append(batch, time);
        return this.#account({ stored: batch.rows, repeats: 0, replays: 0, late });
      });
      this.#rows = rows;
      return outcome;
    } catch (thrown) {
      rows.discard();
      throw thrown;
    }
  }

  /** Some ID is known or in the batch twice: tell repeats from replays, let the newest win. */
  async #merge(batch: Batch, time: WriteTime): Promise<WriteOutcome> {
    const { db, tables } = this.#parts;
    const staging = await DuckDbStaging.fill(db, batch);
    const { table } = staging;
    try {
      return await this.#transaction(async () => {
        const [counts] = await db.rows(tables.compare(table, time));
        const stored = Number(counts?.news);
        const replays = Number(counts?.replays);
        const repeats = batch.rows - stored - replays;
        await db.run(tables.updateOlder(table, time));
        if (stored > 0) await db.run(tables.insertMissing(table, time));
        if (repeats > 0) await db.run(tables.remember(String(counts?.messages), time));
        await this.#forget(time);
        return this.#account({ stored, repeats, replays, late: Number(counts?.late) });
      });
    } finally {
      await staging.discard();
    }
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
    const changed = await db.run(tables.addTotals(runId, counts));
    if (changed === 0) await db.run(tables.firstTotals(runId, counts));
    return { ...counts, rejected: [] };
  }

  #time(): WriteTime {
    const { nowMs, lateAfterMs } = this.#parts;
    return { nowUs: nowMs() * 1_000, lateAfterUs: lateAfterMs * 1_000 };
  }

  /** Commits what `work` did, all of it or nothing. */
  async #transaction(work: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
    const { db } = this.#parts;
    await db.run("BEGIN TRANSACTION");
    try {
      const outcome = await work();
      await db.run("COMMIT");
      return outcome;
    } catch (thrown) {
      // The transaction may be gone already; the first failure is the one to tell.
      await db.run("ROLLBACK").catch(() => 0);
      throw thrown;
    }
  }
}
