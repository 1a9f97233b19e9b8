/** Messages in hand against batches, and against what the server hands out to all engines together. */
import type { Finding } from "../finding.js";

export interface InFlightFacts {
  readonly resultsMaxInFlight: number;
  readonly batchMaxRows: number;
  readonly frameMaxRecords: number;
  readonly crunchMaxInFlight: number;
  /** Unacked messages that the server allows all engines of a stage together. */
  readonly maxAckPending: number;
}

export function checkInFlight(facts: InFlightFacts): Finding[] {
  return [
    ...checkBatch(facts),
    ...checkShare("RESULTS_MAX_IN_FLIGHT", facts.resultsMaxInFlight, facts.maxAckPending),
    ...checkShare("CRUNCH_MAX_IN_FLIGHT", facts.crunchMaxInFlight, facts.maxAckPending),
  ];
}

function checkBatch({ resultsMaxInFlight, batchMaxRows, frameMaxRecords }: InFlightFacts): Finding[] {
  // Half of the messages in hand make a batch due, so that the other half fills the next.
  const messages = Math.max(1, Math.floor(resultsMaxInFlight / 2));
  if (messages * frameMaxRecords >= batchMaxRows) return [];
  return [
    {
      level: "warning",
      setting: "RESULTS_MAX_IN_FLIGHT",
      value: String(resultsMaxInFlight),
      limit: `at least ${String(2 * Math.ceil(batchMaxRows / frameMaxRecords))}`,
      problem: `half of the messages in hand hold at most ${String(messages * frameMaxRecords)} rows, so no batch reaches BATCH_MAX_ROWS=${String(batchMaxRows)} (FRAME_MAX_RECORDS=${String(frameMaxRecords)})`,
      why: "small batches cost the sink as much as large ones, so rows go in more slowly than they could",
    },
  ];
}

/** @param maxAckPending unacked messages that the server allows all engines of a stage together */
export function checkShare(setting: string, inFlight: number, maxAckPending: number): Finding[] {
  const engines = Math.floor(maxAckPending / inFlight);
  if (engines >= 2) return [];
  return [
    {
      level: "warning",
      setting,
      value: String(inFlight),
      limit: `at most ${String(Math.floor(maxAckPending / 2))}`,
      problem: `one engine may hold all ${String(maxAckPending)} messages that the server hands out to a stage unacked`,
      why: "a second engine gets nothing to do while the first is slow",
    },
  ];
}
