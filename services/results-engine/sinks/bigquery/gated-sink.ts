import { eitherSignal } from "./either-signal.js";
import type { TableGate } from "./gate.js";
import type { Batch, Sink, WriteOutcome } from "../sink.js";

/** What each way into a table of BigQuery has in common: its gate, and an end. */
export abstract class GatedSink implements Sink {
  readonly description: string;
  abstract readonly maxConcurrentWrites: number;
  /** A table cannot keep totals beside its rows. */
  readonly earlierTotals = { stored: 0, repeats: 0, late: 0 };
  readonly lifetimeTotals = undefined;
  readonly #gate: TableGate;
  /** Aborts what still waits when the sink is closed. */
  readonly #closing = new AbortController();

  constructor({ description, gate }: { readonly description: string; readonly gate: TableGate }) {
    this.description = description;
    this.#gate = gate;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteOutcome> {
    const { ending, release } = eitherSignal(signal, this.#closing.signal);
    try {
      return await this.send(batch, ending);
    } finally {
      release();
    }
  }

  state(): ReturnType<Sink["state"]> {
    return this.#gate.state();
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.release();
    return Promise.resolve();
  }

  /** {@link Sink.write}; `signal` aborts when the caller's does or the sink is closed. */
  protected abstract send(batch: Batch, signal: AbortSignal): Promise<WriteOutcome>;

  /** Gives up what it holds. Idempotent. */
  protected abstract release(): void;
}
