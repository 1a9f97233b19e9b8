import type { BigQueryClock } from "./clock.js";
import type { TableGate } from "./gate.js";
import { GatedSink } from "./gated-sink.js";
import type { Inserter, RowTransport } from "./insert.js";
import type { RowEncoder } from "./rows.js";
import { Slots } from "./slots.js";
import type { Batch, RejectedRow, WriteOutcome } from "../sink.js";

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
export class RowSink extends GatedSink {
  readonly maxConcurrentWrites = 2;
  readonly #parts: RowSinkParts;
  readonly #slots = new Slots(MAX_IN_FLIGHT);

  constructor(parts: RowSinkParts) {
    super(parts);
    this.#parts = parts;
  }

  /** Repeats and replays stay 0: BigQuery does not tell them from news. */
  protected async send(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    const { encoder, inserter, clock } = this.#parts;
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
          const outcome = await inserter.insert(request, signal);
          stored += outcome.stored;
          late += outcome.late;
          rejected.push(...outcome.rejected);
        } finally {
          release();
        }
      }
    };
    // To the last sender's end: nothing of this batch is under way when the caller gives up on it.
    const ends = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, sendOn));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { stored, repeats: 0, replays: 0, late, rejected };
  }

  protected release(): void {
    this.#parts.transport.close();
  }
}
