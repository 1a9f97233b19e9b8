import { EngineError } from "../../../shared/errors.js";
import type { SinkTotals, WriteOutcome } from "../sink.js";

/**
 * What became of the batch under way when DuckDB gave its file up: the error may have come after the
 * commit, and the totals, which are written with the rows, tell.
 *
 * @param told what the run has stored as far as callers know
 * @param found what the file says now that it is open again
 * @param rows of the batch
 * @returns undefined if nothing of the batch is stored
 * @throws EngineError `stop` if the file has lost rows, so it is not the one that was open before
 */
export function committedSince(told: SinkTotals, found: SinkTotals, rows: number): WriteOutcome | undefined {
  const stored = found.stored - told.stored;
  const repeats = found.repeats - told.repeats;
  if (stored < 0 || repeats < 0) {
    const message = `${String(-Math.min(stored, repeats))} rows that were stored are gone: the file was replaced`;
    throw new EngineError("sink_broken", "stop", message);
  }
  if (stored + repeats === 0) return undefined;
  return { stored, repeats, late: found.late - told.late, replays: rows - stored - repeats, rejected: [] };
}

/** Totals with those of one more batch. */
export function addOutcome(totals: SinkTotals, { stored, repeats, late }: WriteOutcome): SinkTotals {
  return { stored: totals.stored + stored, repeats: totals.repeats + repeats, late: totals.late + late };
}
