/**
 * source -> framer -> publisher
 *
 * Pulls the source only while it is fewer than PUBLISH_WINDOW frames ahead of the oldest unconfirmed
 * one, and ends when all it pulled is confirmed: frames by the stream, rows that are no records by
 * their being parked.
 */
import { createHash } from "node:crypto";
import { HEADER } from "../shared/messaging.js";
import type { Publisher } from "../shared/messaging.js";
import type { Parker } from "../shared/parking.js";
import { ATTRIBUTE } from "../shared/trace/attributes.js";
import { during } from "../shared/trace/tracer.js";
import type { Tracer } from "../shared/trace/tracer.js";
import { Framer } from "./framer.js";
import type { Frame, FrameLimits, UnfitRow } from "./framer.js";
import type { Source } from "./sources/source.js";
import { Watermark } from "./watermark.js";

export interface PipelineParts {
  readonly source: Source;
  readonly publisher: Publisher;
  readonly parker: Parker;
  readonly limits: FrameLimits;
  /** Frames that may be sent from the oldest unconfirmed one on. */
  readonly window: number;
  readonly runId: string;
  /** Rows of the source that were confirmed before, by an earlier process of the run. */
  readonly fromPosition: number;
  readonly observer: PipelineObserver;
  readonly admission: Admission;
  /** Each frame begins a trace. */
  readonly tracer: Tracer;
}

/** Decides when more records may be published. */
export interface Admission {
  /** Resolves when so many more may go, or when `signal` aborts. */
  admit(records: number, signal: AbortSignal): Promise<void>;
  /** Those records are in the stream, or will never be. */
  confirmed(records: number): void;
}

/** What the pipeline tells while it works. */
export interface PipelineObserver {
  sending(framesInFlight: number): void;
  /** @param confirmedPosition rows published or parked since the start of the run */
  confirmed(frame: Frame, confirmedPosition: number, framesInFlight: number): void;
}

export interface PipelineEnd {
  /** False if `signal` ended it. */
  readonly sourceEnded: boolean;
  readonly confirmedPosition: number;
}

/** Rows of one frame that are parked at the same time. */
const PARKED_AT_ONCE = 16;

/**
 * Runs until the source ends or `signal` aborts, and then until what is in flight is confirmed.
 * A frame that is not full when `signal` aborts is not sent: a resumed run cuts it where it belongs.
 *
 * @throws EngineError `stop` when the source breaks or a frame can never be stored
 */
export async function runPipeline(parts: PipelineParts, signal: AbortSignal): Promise<PipelineEnd> {
  const { source, limits, fromPosition } = parts;
  const framer = new Framer(limits, fromPosition);
  const sender = new Sender(parts);
  const stopping = AbortSignal.any([signal, sender.failed]);
  try {
    for await (const chunk of source.chunks(fromPosition, stopping)) {
      for (const frame of framer.add(chunk)) await sender.send(frame, stopping);
      const rest = source.paced ? framer.flush() : undefined;
      if (rest !== undefined) await sender.send(rest, stopping);
      if (stopping.aborted) break;
    }
    const rest = stopping.aborted ? undefined : framer.flush();
    if (rest !== undefined) await sender.send(rest, stopping);
  } catch (thrown) {
    await sender.settle().catch(() => undefined);
    throw thrown;
  }
  await sender.settle();
  return { sourceEnded: !signal.aborted, confirmedPosition: sender.confirmedPosition };
}

/** Frames on their way. */
class Sender {
  readonly #parts: PipelineParts;
  readonly #watermark: Watermark;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #failing = new AbortController();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#watermark = new Watermark(parts.fromPosition);
  }

  get confirmedPosition(): number {
    return this.#watermark.confirmedPosition;
  }

  /** Aborts when a frame failed for good; {@link settle} says why. */
  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  /** Resolves when the frame is on its way; not sent if `stopping` aborts while the window is full. */
  async send(frame: Frame, stopping: AbortSignal): Promise<void> {
    const { admission } = this.#parts;
    // Counted from the oldest that is unconfirmed: what lies behind it may be sent again after a crash.
    while (this.#watermark.openRanges >= this.#parts.window && !stopping.aborted) {
      await Promise.race(this.#inFlight);
    }
    await admission.admit(frame.records, stopping);
    if (stopping.aborted) return;
    const confirm = this.#watermark.begin(frame.endPosition);
    const sending = this.#store(frame).then(
      () => {
        confirm();
        admission.confirmed(frame.records);
        this.#inFlight.delete(sending);
        this.#parts.observer.confirmed(frame, this.confirmedPosition, this.#inFlight.size);
      },
      (thrown: unknown) => {
        this.#inFlight.delete(sending);
        this.#failing.abort(thrown);
      },
    );
    this.#inFlight.add(sending);
    this.#parts.observer.sending(this.#inFlight.size);
  }

  /** Waits for what is in flight. @throws what the first failed frame failed with */
  async settle(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.failed.aborted) throw this.failed.reason;
  }

  async #store(frame: Frame): Promise<void> {
    await Promise.all([this.#publish(frame), this.#park(frame.unfit)]);
  }

  async #publish(frame: Frame): Promise<void> {
    const { payload, records, startPosition, endPosition } = frame;
    if (payload === undefined) return;
    const { runId, publisher, tracer } = this.#parts;
    // With the position, because two frames of the same bytes at different places are both news;
    // with the hash, because another source under the same run id is news, too.
    const hash = createHash("sha256").update(payload).digest("hex").slice(0, 16);
    const messageId = `${runId}-${String(startPosition)}-${hash}`;
    const span = tracer.message("publish", "data.frame", undefined);
    if (span.isRecorded) {
      span.set({
        [ATTRIBUTE.messageCount]: records,
        [ATTRIBUTE.messageId]: messageId,
        [ATTRIBUTE.bodySize]: payload.length,
      });
    }
    const headers = {
      [HEADER.records]: String(records),
      [HEADER.run]: runId,
      [HEADER.position]: String(endPosition),
      [HEADER.confirmed]: String(this.confirmedPosition),
      ...span.context,
    };
    await during(span, () =>
      publisher.publish({ subject: "data.frame", payload, messageId, headers }, this.failed),
    );
  }

  async #park(rows: readonly UnfitRow[]): Promise<void> {
    for (let start = 0; start < rows.length; start += PARKED_AT_ONCE) {
      const group = rows.slice(start, start + PARKED_AT_ONCE);
      await Promise.all(group.map((row) => this.#parkRow(row)));
    }
  }

  async #parkRow(row: UnfitRow): Promise<void> {
    const { parker, runId, limits } = this.#parts;
    await parker.park(
      {
        topic: "data",
        payload: Buffer.from(row.row).subarray(0, limits.maxRecordBytes),
        reason: row.code,
        error: row.reason,
        id: `${runId}-${String(row.position)}`,
      },
      this.failed,
    );
  }
}
