import type { BigQueryClock } from "./clock.js";
import { eitherSignal } from "./either-signal.js";
import type { TableGate } from "./gate.js";
import type { Inserter, RowTransport } from "./insert.js";
import type { RowEncoder } from "./rows.js";
import { Slots } from "./slots.js";
import type { Batch, RejectedRow, Sink, WriteOutcome } from "../sink.js";

export interface RowSinkParts {
  readonly description: string;
  readonly encoder: RowEncoder;
  readonly transport: RowTransport;
  readonly inserter: Inserter;
  readonly gate: TableGate;
  readonly clock: BigQueryClock;
}

/** Requests on their way at once: one waits for the network while another is encoded. */
const MAX_IN_FLIGHT = 4;

/** Sends a batch as requests of rows, each until BigQuery took or refused it. */
export class RowSink implements Sink {
  readonly description: string;
  readonly maxConcurrentWrites = 2;
  /** A stream of rows cannot keep totals beside them. */
  readonly earlierTotals = { stored: 0, repeats: 0, late: 0 };
  readonly lifetimeTotals = undefined;
  readonly #parts: RowSinkParts;
  readonly #slots = new Slots(MAX_IN_FLIGHT);
  /** Aborts what still waits when the sink is closed. */
  readonly #closing = new AbortController();

  constructor(parts: RowSinkParts) {
    this.description = parts.description;
    this.#parts = parts;
  }

  /** Repeats and replays stay 0: BigQuery does not tell them from news. */
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
    this.#parts.transport.close();
    return Promise.resolve();
  }
}
