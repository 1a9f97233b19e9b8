/** One log line when something is parked, and not one for each of a million. */
import type { Warn } from "./logger.js";
import type { ParkedItem } from "./parked-item.js";
import { traceField } from "./trace/trace-context.js";

/** Between two lines, in milliseconds. */
const TELL_EVERY_MS = 10_000;

export class ParkedLog {
  readonly #warn: Warn;
  #untold = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(warn: Warn) {
    this.#warn = warn;
  }

  /**
   * Tells of the item and of those since the line before.
   *
   * @param nowMs of a clock that never goes back
   */
  parked(item: Pick<ParkedItem, "topic" | "reason" | "origin" | "trace">, nowMs: number): void {
    this.#untold += 1;
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    const { topic, reason, origin, trace } = item;
    const count = this.#untold;
    const where = origin === undefined ? {} : { stream: origin.stream, sequence: origin.sequence };
    this.#warn(
      { event: "parked", count, topic, reason, ...where, ...traceField(trace) },
      `parked ${String(count)} of ${topic}, the newest as ${reason}; \`crunch parked list\` shows them`,
    );
    this.#untold = 0;
    this.#toldAtMs = nowMs;
  }
}
