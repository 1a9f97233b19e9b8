/**
 * batch -> file and note in the spool -> load job -> its end.
 *
 * Nothing of a batch is acked before its jobs have ended, so the spool is no second store: what is lost
 * with it comes again. What it adds is that a batch keeps its boundaries and its job ids over a crash, so that no
 * row is in the table twice.
 */
import { EngineError } from "../../../shared/errors.js";
import type { BigQueryClock } from "./clock.js";
import { HICCUP, QUOTA, backoffMs } from "./clock.js";
import type { Failure } from "./errors.js";
import type { TableGate } from "./gate.js";
import { GatedSink } from "./gated-sink.js";
import { halvesOf, mediaOf, rowOfLine, writeLines } from "./load-file.js";
import type { JobEnd, LoadJobs } from "./load-job.js";
import { jobIdOf } from "./load-journal.js";
import type { BatchNote, LoadJournal, Piece } from "./load-journal.js";
import { identityBytes } from "./load-messages.js";
import { newsOf } from "./load-news.js";
import type { FreshMessage } from "./load-news.js";
import type { LoadPace } from "./load-pace.js";
import type { Spool } from "./load-spool.js";
import type { RowEncoder } from "./rows.js";
import type { Batch, RejectedRow, WriteOutcome } from "../sink.js";

export interface LoadSinkParts {
  readonly description: string;
  readonly encoder: RowEncoder;
  readonly gate: TableGate;
  readonly clock: BigQueryClock;
  readonly spool: Spool;
  readonly journal: LoadJournal;
  readonly pace: LoadPace;
  readonly jobs: LoadJobs;
  /** Whether uploads are gzipped. */
  readonly gzips: boolean;
  /** Reads the table again. @returns how it differs from our rows; undefined if they fit */
  readonly difference: () => Promise<string | undefined>;
}

/** Rows refused one by one, with none of their batch stored, before the table is held to be the cause. */
const MAX_LONE_REFUSALS = 8;

export class BigQueryLoadSink extends GatedSink {
  /** While a job runs the next batch grows, which is what load jobs are good at. */
  readonly maxConcurrentWrites = 1;
  readonly #parts: LoadSinkParts;

  constructor(parts: LoadSinkParts) {
    super(parts);
    this.#parts = parts;
  }

  /** Repeats stay 0: a job does not tell them from news. Replays are told by their messages. */
  protected async send(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    try {
      return await this.#write(batch, signal);
    } catch (thrown) {
      if (thrown instanceof EngineError) throw thrown;
      // A disk that is full, a folder that is gone: what is not written down is not loaded.
      throw EngineError.from(thrown, "spool_failed");
    }
  }

  protected release(): void {
    this.#parts.spool.close();
  }

  async #write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    const { journal } = this.#parts;
    // First what a crash or a stop left: its messages may be in this very batch.
    for (const note of [...journal.waiting]) await this.#load(note, signal);
    const { fresh, replays, rejected: rejectedBefore } = await newsOf(batch, journal);
    const rejected: RejectedRow[] = [...rejectedBefore];
    let late = 0;
    if (fresh.length > 0) {
      const note = await this.#writeDown(fresh);
      await this.#load(note, signal);
      late = note.late;
    }
    for (const { message, rows } of fresh) {
      for (const { row, reason } of message.rejected) {
        rejected.push({ part: rows.part, row: rows.places[row] ?? 0, reason });
      }
    }
    return { stored: batch.rows - replays - rejected.length, repeats: 0, replays, late, rejected };
  }

  /** From here on the batch is what it is, whoever loads it. */
  async #writeDown(fresh: readonly FreshMessage[]): Promise<BatchNote> {
    const { journal, spool, encoder, clock } = this.#parts;
    const messages = fresh.map(({ message }) => message);
    const note = journal.newNote(messages);
    const parts = fresh.map(({ rows }) => rows.columns);
    const rows = parts.reduce((sum, { count }) => sum + count, 0);
    const written = await writeLines(spool, note, { parts, rows }, messages, encoder, clock.nowMs());
    note.late = written.late;
    if (written.lines > 0) {
      const { bytes, lines } = written;
      note.pieces = [{ firstByte: 0, endByte: bytes, firstLine: 0, lines, attempt: 0, state: "waiting" }];
    }
    await journal.add(note, parts.flatMap(identityBytes));
    return note;
  }

  /** Resolves when each line of the batch is in the table or rejected. */
  async #load(note: BatchNote, signal: AbortSignal): Promise<void> {
    const { journal } = this.#parts;
    for (;;) {
      const piece = note.pieces.find(({ state }) => state === "waiting");
      if (piece !== undefined) await this.#loadPiece(note, piece, signal);
      else if (!this.#judge(note)) break;
      await journal.save(note);
    }
    await journal.end(note);
  }

  async #loadPiece(note: BatchNote, piece: Piece, signal: AbortSignal): Promise<void> {
    const { gate, jobs, pace, spool, gzips } = this.#parts;
    const end = await gate.run(async (pauses) => {
      await pace.take(signal);
      const media = (): Promise<Buffer> => mediaOf(spool, note, piece, gzips);
      const reached = await jobs.run(jobIdOf(note, piece), media, signal);
      if (reached.kind === "loaded") gate.accepted(piece.lines, pauses);
      return reached;
    }, signal);
    await this.#settle(note, piece, end, signal);
  }

  async #settle(note: BatchNote, piece: Piece, end: JobEnd, signal: AbortSignal): Promise<void> {
    const { gate, spool, difference } = this.#parts;
    if (end.kind === "loaded") piece.state = "loaded";
    else if (end.kind === "failed") {
      piece.attempt += 1;
      await this.#afterFailure(end.failure, piece.attempt, signal);
    } else {
      const why = await difference();
      if (why !== undefined) {
        piece.attempt += 1;
        gate.pause(why);
      } else if (piece.lines > 1) {
        note.pieces.splice(note.pieces.indexOf(piece), 1, ...(await halvesOf(spool, note, piece)));
      } else {
        piece.state = "refused";
        piece.reason = end.reason;
        const refused = note.pieces.filter(({ state }) => state === "refused").length;
        const isStored = note.pieces.some(({ state }) => state === "loaded");
        if (refused >= MAX_LONE_REFUSALS && !isStored) this.#blameTable(note, end.reason);
      }
    }
  }

  async #afterFailure(failure: Failure, tries: number, signal: AbortSignal): Promise<void> {
    const { clock, gate } = this.#parts;
    if (failure.kind === "table") {
      gate.pause(failure.message);
      return;
    }
    gate.hiccup(tries, failure.message);
    await clock.backoff(backoffMs(failure.kind === "quota" ? QUOTA : HICCUP, tries, clock.random), signal);
  }

  /**
   * Every line was tried. Refused ones are bad rows if others of the batch are stored or there was only
   * one; else the table is the likelier cause.
   *
   * @returns whether some are to be tried again
   */
  #judge(note: BatchNote): boolean {
    const refused = note.pieces.filter(({ state }) => state === "refused");
    const [first] = refused;
    if (first === undefined) return false;
    const lines = note.pieces.reduce((sum, piece) => sum + piece.lines, 0);
    if (refused.length === note.pieces.length && lines > 1) {
      this.#blameTable(note, first.reason ?? "");
      return true;
    }
    for (const piece of refused) {
      const place = rowOfLine(note, piece.firstLine);
      place?.message.rejected.push({ row: place.row, reason: piece.reason ?? "", written: true });
    }
    note.pieces = note.pieces.filter(({ state }) => state !== "refused");
    return false;
  }

  /** What was refused so far is not held against rows: it is tried again when the gate lets it. */
  #blameTable(note: BatchNote, reason: string): void {
    this.#parts.gate.pause(`each row of a load is refused: ${reason}`);
    for (const piece of note.pieces) {
      if (piece.state !== "refused") continue;
      piece.state = "waiting";
      piece.attempt += 1;
    }
  }
}
