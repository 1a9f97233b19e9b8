/**
 * One generation of a connection: appends leave in order and answers come back in that order, so the
 * first answer belongs to the first append that has none.
 *
 * That holds only while nothing odd happens. After anything that could shift it by one (a silence, an
 * answer to nothing, an end) the generation is over, every append without an answer has an unknown outcome, and
 * what comes later is not listened to.
 */
import type { AppendStream, OpenAppendStream } from "./append-client.js";
import type { AppendAnswer, GrpcError } from "./append-errors.js";
import { classifyGrpc, readAppendAnswer } from "./append-errors.js";
import { STOP_GRACE_MS } from "./client.js";
import type { BigQueryClock } from "./clock.js";
import type { Failure } from "./errors.js";
import { NO_ANSWER, failure } from "./errors.js";
import type { Try } from "./insert.js";

interface Waiting {
  readonly rows: readonly Uint8Array[];
  readonly settle: (result: Try) => void;
}

export class AppendConnection {
  readonly #clock: BigQueryClock;
  readonly #over: () => void;
  /** Appends without an answer, in the order in which they leave. */
  readonly #waiting: Waiting[] = [];
  #stream: AppendStream | undefined;
  #isOver = false;

  /** @param over called once, when no further append may be given to this generation */
  constructor(open: OpenAppendStream, clock: BigQueryClock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
    const listeners = {
      answered: (answer: AppendAnswer) => this.#answered(answer),
      ended: (error: GrpcError | undefined) => this.#ended(error),
    };
    open(listeners).then(
      (stream) => this.#opened(stream),
      (thrown: unknown) => this.#ended(thrown instanceof Error ? thrown : { message: String(thrown) }),
    );
  }

  /**
   * Sends rows once. Never throws.
   *
   * @param signal when it aborts, the answer has {@link STOP_GRACE_MS} left to come
   */
  append(rows: readonly Uint8Array[], deadlineMs: number, signal: AbortSignal): Promise<Try> {
    return new Promise((resolve) => {
      const expireAfter = (ms: number): (() => void) =>
        this.#clock.deadline(ms, () => {
          const silence = failure("retry", `no answer within ${String(ms)} ms`, { reason: NO_ANSWER });
          entry.settle({ failure: silence });
          this.#break(failure("retry", "an append before or after this one got no answer"));
        });
      const stops = [expireAfter(deadlineMs)];
      const onAbort = (): void => void stops.push(expireAfter(STOP_GRACE_MS));
      const entry: Waiting = {
        rows,
        settle: (result) => {
          for (const stop of stops) stop();
          signal.removeEventListener("abort", onAbort);
          resolve(result);
        },
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(entry);
      this.#stream?.write(rows);
    });
  }

  /** Gives up on what is under way. Idempotent. */
  close(): void {
    this.#break(failure("retry", "the sink was closed"));
  }

  #opened(stream: AppendStream): void {
    if (this.#isOver) {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    for (const { rows } of this.#waiting) stream.write(rows);
  }

  #answered(answer: AppendAnswer): void {
    if (this.#isOver) return;
    const [first] = this.#waiting;
    const result = first === undefined ? undefined : readAppendAnswer(answer, first.rows.length);
    if (first === undefined || result === undefined) {
      this.#break(failure("retry", "an answer that belongs to no append: is the address BigQuery's?"));
      return;
    }
    this.#waiting.shift();
    first.settle(result);
  }

  #ended(error: GrpcError | undefined): void {
    // The end of a stream is about the append that it was at; those behind it were not looked at.
    const why = error === undefined ? failure("retry", "BigQuery ended the stream") : classifyGrpc(error);
    const rest = why.kind === "split" ? failure("retry", why.message) : why;
    if (!this.#isOver) this.#waiting.shift()?.settle({ failure: why });
    this.#break(rest);
  }

  #break(why: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream?.destroy();
    this.#over();
    for (const { settle } of this.#waiting.splice(0)) settle({ failure: why });
  }
}
