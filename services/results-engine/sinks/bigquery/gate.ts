import type { ComponentState } from "../../../shared/health.js";
import type { BigQueryClock } from "./clock.js";
import { TABLE, backoffMs, interrupted } from "./clock.js";

type Warn = (details: Readonly<Record<string, unknown>>, message: string) => void;

/** Tries in a row that may fail before people are told. */
const QUIET_TRIES = 4;

/**
 * Whether requests may go to the table.
 *
 * ```
 * open --pause()--> paused: one request at a time, each after a growing wait --accepted()--> open
 * ```
 */
export class TableGate {
  readonly #clock: BigQueryClock;
  readonly #warn: Warn;
  #pausedBy: string | undefined;
  #trouble: string | undefined;
  #probes = 0;
  /** Counts the pauses: a reply to something sent before a pause says nothing about the table since. */
  #pauses = 0;
  #acceptedRows = 0;
  /** The end of the line of those who wait for their turn while paused. */
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(clock: BigQueryClock, warn: Warn) {
    this.#clock = clock;
    this.#warn = warn;
  }

  /** Rows that the table took so far: growth is the proof that it takes some. */
  get acceptedRows(): number {
    return this.#acceptedRows;
  }

  /** Pauses so far, the present one included. */
  get pauses(): number {
    return this.#pauses;
  }

  state(): ComponentState {
    const detail = this.#pausedBy ?? this.#trouble;
    return detail === undefined ? { ok: true, detail: "rows go in" } : { ok: false, detail };
  }

  /**
   * Runs one try: at once while open, else as the probe whose turn it is.
   *
   * @throws EngineError `retry` when `signal` aborts a wait
   */
  async run<Result>(attempt: (pauses: number) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    if (this.#pausedBy === undefined) return attempt(this.#pauses);
    const before = this.#lastTurn;
    let endTurn = (): void => undefined;
    this.#lastTurn = new Promise((resolve) => {
      endTurn = resolve;
    });
    try {
      await orAborted(before, signal);
      if (this.#isPaused()) {
        await this.#clock.backoff(backoffMs(TABLE, this.#probes, this.#clock.random), signal);
        return await attempt(this.#pauses);
      }
    } finally {
      // Whoever gives up its turn early must not let the next one past those still before it.
      void before.then(endTurn);
    }
    return attempt(this.#pauses);
  }

  /** An error of the whole table: nobody's rows are to blame. Warns once a pause. */
  pause(detail: string): void {
    this.#probes++;
    const first = this.#pausedBy === undefined;
    this.#pausedBy = detail;
    if (!first) return;
    this.#pauses++;
    this.#warn({ event: "sink_paused", detail }, `BigQuery is paused, rows wait: ${detail}`);
  }

  /** @param pauses as given to the try: one from before the latest pause does not end it */
  accepted(rows: number, pauses: number): void {
    this.#acceptedRows += rows;
    if (rows === 0 || pauses !== this.#pauses) return;
    this.#pausedBy = undefined;
    this.#trouble = undefined;
    this.#probes = 0;
  }

  /** A hiccup, for the `tries`-th time in a row; told to people when it lasts. */
  hiccup(tries: number, detail: string): void {
    if (tries <= QUIET_TRIES) return;
    const first = this.#trouble === undefined;
    this.#trouble = detail;
    if (first)
      this.#warn({ event: "sink_retrying", tries, detail }, `BigQuery does not take rows: ${detail}`);
  }

  #isPaused(): boolean {
    return this.#pausedBy !== undefined;
  }
}

/** Waits for `promise`, or throws as soon as `signal` aborts. */
async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw interrupted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(interrupted());
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
