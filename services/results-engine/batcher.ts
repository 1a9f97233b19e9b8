import { BatchBuffer } from "./batch-buffer.js";
import type { BatchLimits } from "./batch-buffer.js";
import type { Batch, BatchPart, RejectedRow, Sink, WriteOutcome } from "./sinks/sink.js";
import { EngineError } from "../shared/errors.js";
import { ATTRIBUTE } from "../shared/trace/attributes.js";
import { NO_SPAN, during } from "../shared/trace/tracer.js";
import type { Span, Tracer } from "../shared/trace/tracer.js";

/** Of messages that nobody traces. */
export const NO_SPANS: readonly Span[] = [];

/** Rejected rows of one part, with the sink's reasons. */
export type RejectedOfPart = readonly Omit<RejectedRow, "part">[];

/** What a batch was, for metrics. */
export interface BatchReport {
  readonly rows: number;
  readonly outcome: WriteOutcome;
  readonly parts: readonly BatchPart[];
  /** How long the sink took, in milliseconds. */
  readonly writeMs: number;
  /** Milliseconds since the epoch. */
  readonly endedAtMs: number;
}

interface Waiting {
  readonly part: BatchPart;
  readonly messages: number;
  readonly spans: readonly Span[];
  readonly resolve: (rejected: RejectedOfPart) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Gathers results into batches and writes them. While the sink is busy the next batch grows, so
 * batches are as large as the load asks for.
 */
export class Batcher {
  /** Rows that make a batch due. */
  readonly maxRows: number;
  readonly #sink: Sink;
  readonly #buffer: BatchBuffer<Waiting>;
  readonly #signal: AbortSignal;
  readonly #onBatch: (report: BatchReport) => Promise<void> | void;
  readonly #tracer: Tracer;
  readonly #sinkKind: string;
  #writes = 0;
  #isDraining = false;
  /** Why the sink is broken for good. */
  #broken: EngineError | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param signal handed to the sink: ends its waits between tries
   * @param sinkKind for whoever looks at traces: `duckdb`
   * @param onBatch told of each batch that is stored, before its messages are acked; must not throw
   */
  constructor(parts: {
    sink: Sink;
    limits: BatchLimits;
    signal: AbortSignal;
    onBatch: (report: BatchReport) => Promise<void> | void;
    tracer: Tracer;
    sinkKind: string;
  }) {
    this.#sink = parts.sink;
    this.maxRows = parts.limits.maxRows;
    this.#buffer = new BatchBuffer(parts.limits);
    this.#signal = parts.signal;
    this.#onBatch = parts.onBatch;
    this.#tracer = parts.tracer;
    this.#sinkKind = parts.sinkKind;
  }

  /**
   * Adds results that came together.
   *
   * @param messages that they came in
   * @param spans the recorded steps among those that the results belong to
   *
   * @returns once every row is durable or rejected: the rejected ones
   * @throws whatever the sink threw for the batch the rows were in, or for one before it that says `stop`
   */
  add(
    part: BatchPart,
    bytes: number,
    messages = 1,
    spans: readonly Span[] = NO_SPANS,
  ): Promise<RejectedOfPart> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      // A clock that only goes forward: rows must not wait because the machine's clock was set.
      const size = { rows: part.count, bytes, messages };
      this.#buffer.add({ part, messages, spans, resolve, reject }, size, performance.now());
      this.#pump();
    });
  }

  /** From now on nothing waits for a batch to fill. */
  drain(): void {
    this.#isDraining = true;
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#writes < this.#sink.maxConcurrentWrites) {
      const dueInMs = this.#buffer.dueInMs(performance.now());
      if (dueInMs === Number.POSITIVE_INFINITY) return;
      if (dueInMs > 0 && !this.#isDraining) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(dueInMs));
        return;
      }
      void this.#write(this.#buffer.take());
    }
  }

  /** Settles every member, whatever happens. */
  async #write(members: readonly Waiting[]): Promise<void> {
    this.#writes += 1;
    const parts = members.map((member) => member.part);
    const batch: Batch = { parts, rows: parts.reduce((sum, part) => sum + part.count, 0) };
    const startedAtMs = performance.now();
    try {
      const outcome = await this.#traced(members, batch);
      const writeMs = performance.now() - startedAtMs;
      // The sink takes the next batch while this one is told of.
      this.#ended();
      await this.#onBatch({ parts, rows: batch.rows, outcome, writeMs, endedAtMs: Date.now() });
      const rejected = rejectedByPart(outcome.rejected);
      for (const [index, member] of members.entries()) member.resolve(rejected.get(index) ?? []);
    } catch (thrown) {
      for (const member of members) member.reject(thrown);
      if (thrown instanceof EngineError && thrown.action === "stop") this.#break(thrown);
      this.#ended();
    }
  }

  /** One step for the whole batch, in the trace of its first message and linked with those of the others. */
  #traced(members: readonly Waiting[], batch: Batch): Promise<WriteOutcome> {
    const spans = members.flatMap((member) => member.spans);
    const [first = NO_SPAN, ...others] = spans;
    const write = this.#tracer.inside("write", first);
    for (const span of others) {
      write.link(span);
      span.link(write);
    }
    return during(write, async () => {
      const outcome = await this.#sink.write(batch, this.#signal);
      for (const span of spans) span.set({ [ATTRIBUTE.sink]: this.#sinkKind });
      write.set({
        [ATTRIBUTE.sink]: this.#sinkKind,
        [ATTRIBUTE.messageCount]: members.reduce((sum, { messages }) => sum + messages, 0),
        [ATTRIBUTE.rows]: batch.rows,
        [ATTRIBUTE.stored]: outcome.stored,
        [ATTRIBUTE.repeats]: outcome.repeats,
        [ATTRIBUTE.rejected]: outcome.rejected.length,
      });
      return outcome;
    });
  }

  #ended(): void {
    this.#writes -= 1;
    this.#pump();
  }

  /** A broken sink is asked no more: what waits would only keep the engine from ending. */
  #break(error: EngineError): void {
    this.#broken = error;
    for (let members = this.#buffer.take(); members.length > 0; members = this.#buffer.take()) {
      for (const member of members) member.reject(error);
    }
  }
}

function rejectedByPart(rejected: readonly RejectedRow[]): ReadonlyMap<number, RejectedOfPart> {
  const byPart = new Map<number, Omit<RejectedRow, "part">[]>();
  for (const { part, row, reason } of rejected) {
    const rows = byPart.get(part) ?? [];
    rows.push({ row, reason });
    byPart.set(part, rows);
  }
  return byPart;
}
