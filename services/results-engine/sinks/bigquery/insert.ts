/**
 * request -> transport -> every row accepted or rejected, however often it takes.
 *
 * A failed try is followed by the same bytes, so a row that went in unseen keeps its insertId. What
 * is no row's fault is never blamed on rows: the gate is closed instead and they wait.
 */
import type { BackoffRange, BigQueryClock } from "./clock.js";
import { HICCUP, QUOTA, backoffMs } from "./clock.js";
import type { Failure, RowError } from "./errors.js";
import { NO_ANSWER } from "./errors.js";
import type { TableGate } from "./gate.js";
import type { RowFrame, RowRequest } from "./rows.js";
import { pickRows } from "./rows.js";
import type { RejectedRow } from "../sink.js";

export interface InsertOutcome {
  stored: number;
  late: number;
  readonly rejected: RejectedRow[];
}

/** What one try told: the rows that did not go in, or why that is not known of any row. */
export type Try = { readonly errors: readonly RowError[] } | { readonly failure: Failure };

/** How requests reach BigQuery. */
export interface RowTransport {
  /** How the rows of a request stand in its body. */
  readonly frame: RowFrame;
  /** Sends a request once. Never throws; when `signal` aborts, the answer has a little time left to come. */
  send(request: RowRequest, deadlineMs: number, signal: AbortSignal): Promise<Try>;
  /** Ends what is under way. Idempotent. */
  close(): void;
}

export interface InserterParts {
  readonly transport: RowTransport;
  readonly clock: BigQueryClock;
  readonly gate: TableGate;
  readonly deadlineMs: number;
  /** Reads the table again. @returns how it differs from our rows; undefined if they fit */
  readonly difference: () => Promise<string | undefined>;
}

/** A row refused, with BigQuery's words and {@link TableGate.pauses} at that time. */
interface Suspect {
  readonly reason: string;
  readonly pauses: number;
}

/** One request on its way. Rows are named by their index in it. */
interface Progress {
  readonly request: RowRequest;
  readonly signal: AbortSignal;
  readonly outcome: InsertOutcome;
  /** By row: bad rows, or good rows and a bad table. */
  readonly suspects: Map<number, Suspect>;
  /** {@link TableGate.acceptedRows} at the start: if it grew, the table takes rows. */
  readonly acceptedAtStart: number;
  /** The same, when all rows were refused for the first time. */
  acceptedAtRefusal: number | undefined;
}

/** Rows that may be refused one by one, with none accepted, before the table is held to be the cause. */
const MAX_LONE_SUSPECTS = 8;

/** A request takes a tenth of a second; one that hangs this long is rather sent again. */
const FIRST_DEADLINE_MS = 8_000;

/**
 * How long a try may take, in milliseconds: longer with each that got no answer, so that rows flow soon
 * after a hang and a warehouse that is only slow still gets its time.
 *
 * @param hangs tries before this one that got no answer
 * @param longestMs what no try exceeds
 */
function tryDeadlineMs(hangs: number, longestMs: number): number {
  return Math.min(longestMs, FIRST_DEADLINE_MS * 2 ** Math.min(10, hangs));
}

export class Inserter {
  readonly #parts: InserterParts;

  constructor(parts: InserterParts) {
    this.#parts = parts;
  }

  /** @throws EngineError `retry` when `signal` aborts a wait; rows may have gone in all the same */
  async insert(request: RowRequest, signal: AbortSignal): Promise<InsertOutcome> {
    const progress: Progress = {
      request,
      signal,
      outcome: { stored: 0, late: 0, rejected: [] },
      suspects: new Map(),
      acceptedAtStart: this.#parts.gate.acceptedRows,
      acceptedAtRefusal: undefined,
    };
    let waiting: readonly number[] = Array.from({ length: request.count }, (_, index) => index);
    while (waiting.length > 0) {
      await this.#send(progress, waiting);
      waiting = await this.#judge(progress);
    }
    return progress.outcome;
  }

  /** Sends rows until each is accepted, rejected or a suspect. */
  async #send(progress: Progress, rows: readonly number[]): Promise<void> {
    const { request, signal, suspects } = progress;
    const { transport } = this.#parts;
    let pending = rows;
    let sending = rows.length === request.count ? request : pickRows(request, rows, transport.frame);
    let hangs = 0;
    for (let tries = 1; pending.length > 0; tries++) {
      const deadlineMs = tryDeadlineMs(hangs, this.#parts.deadlineMs);
      const startedAtMs = this.#parts.clock.elapsedMs();
      const retry = (range: BackoffRange, detail: string): Promise<void> =>
        this.#wait(range, tries, detail, startedAtMs, signal);
      const result = await this.#parts.gate.run(
        (pauses) => this.#try(sending, pauses, deadlineMs, signal),
        signal,
      );
      if ("failure" in result) {
        const { kind, reason, message } = result.failure;
        if (reason === NO_ANSWER) hangs++;
        if (kind === "split" && pending.length > 1) {
          const middle = pending.length >> 1;
          await this.#send(progress, pending.slice(0, middle));
          await this.#send(progress, pending.slice(middle));
          return;
        }
        const takesRows = this.#parts.gate.acceptedRows > progress.acceptedAtStart;
        if (kind === "split" && (takesRows || suspects.size < MAX_LONE_SUSPECTS)) {
          for (const row of pending) this.#suspect(progress, row, message);
          return;
        }
        if (kind === "table" || kind === "split") this.#parts.gate.pause(message);
        else await retry(kind === "quota" ? QUOTA : HICCUP, message);
        continue;
      }
      const again = this.#settle(progress, pending, result.errors);
      if (again.length === 0) return;
      if (again.length < pending.length) {
        sending = pickRows(request, again, transport.frame);
        tries = 1;
      }
      pending = again;
      // Good rows that came back only because of bad ones between them go in at once.
      if (result.errors.some(({ invalid }) => invalid)) continue;
      await retry(HICCUP, result.errors[0]?.text ?? "rows came back");
    }
  }

  /** One try. What it tells about the table goes to the gate. */
  async #try(sending: RowRequest, pauses: number, deadlineMs: number, signal: AbortSignal): Promise<Try> {
    const { transport, gate } = this.#parts;
    const result = await transport.send(sending, deadlineMs, signal);
    if ("errors" in result) gate.accepted(sending.count - result.errors.length, pauses);
    return result;
  }

  /** Books an answer. @returns the rows to send again */
  #settle(progress: Progress, sent: readonly number[], errors: readonly RowError[]): number[] {
    const { request, outcome } = progress;
    const refused = new Map(errors.map((error) => [error.index, error]));
    const again: number[] = [];
    sent.forEach((row, place) => {
      const error = refused.get(place);
      if (error === undefined) {
        outcome.stored++;
        outcome.late += request.late[row] ?? 0;
      } else if (error.invalid) this.#suspect(progress, row, error.text);
      else again.push(row);
    });
    return again;
  }

  /**
   * Decides about the suspects. They are bad rows if others of the request were accepted, if one row
   * came alone and fits the table's columns, or if the table took rows of others since it refused
   * these and refuses them again. Else the table is the likelier cause: the gate closes. What was
   * refused before a pause is no longer held against a row.
   *
   * @returns the rows to send again
   */
  async #judge(progress: Progress): Promise<readonly number[]> {
    const { request, outcome, suspects, acceptedAtRefusal } = progress;
    const { gate } = this.#parts;
    const [first] = suspects.values();
    if (first === undefined) return [];
    const isStale = [...suspects.values()].some(({ pauses }) => pauses !== gate.pauses);
    let areRowsBad = outcome.stored > 0 && !isStale;
    if (!areRowsBad && !isStale) {
      const difference = await this.#parts.difference();
      const tookOthers = acceptedAtRefusal !== undefined && gate.acceptedRows > acceptedAtRefusal;
      areRowsBad = difference === undefined && (request.count === 1 || tookOthers);
      if (!areRowsBad) {
        gate.pause(
          difference ?? `each of ${String(request.count)} rows sent together is refused: ${first.reason}`,
        );
      }
    }
    if (areRowsBad) {
      for (const [row, { reason }] of suspects) {
        outcome.rejected.push({ part: request.parts[row] ?? 0, row: request.rows[row] ?? 0, reason });
      }
      return [];
    }
    progress.acceptedAtRefusal ??= gate.acceptedRows;
    const again = [...suspects.keys()];
    suspects.clear();
    return again;
  }

  #suspect(progress: Progress, row: number, reason: string): void {
    progress.suspects.set(row, { reason, pauses: this.#parts.gate.pauses });
  }

  /** Waits from the start of the failed try on: after a hang there is nothing left to wait for. */
  async #wait(
    range: BackoffRange,
    tries: number,
    detail: string,
    startedAtMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, gate } = this.#parts;
    gate.hiccup(tries, detail);
    const spentMs = clock.elapsedMs() - startedAtMs;
    await clock.backoff(Math.max(0, backoffMs(range, tries, clock.random) - spentMs), signal);
  }
}
