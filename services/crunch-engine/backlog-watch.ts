import type { Backlog } from "../shared/messaging.js";
import type { CrunchMetrics } from "./crunch-metrics.js";

const EVERY_MS = 3_000;

/** Keeps the lag gauges fresh: one question to the server at a time, whatever asks for metrics. */
export class BacklogWatch {
  readonly #ask: () => Promise<Backlog>;
  readonly #metrics: CrunchMetrics;
  readonly #timer: NodeJS.Timeout;
  #isAsking = false;

  constructor(ask: () => Promise<Backlog>, metrics: CrunchMetrics, everyMs = EVERY_MS) {
    this.#ask = ask;
    this.#metrics = metrics;
    this.#timer = setInterval(() => void this.look(), everyMs).unref();
  }

  /** Never rejects: while the server is away the gauges keep their last value and /readyz tells. */
  async look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const backlog = await this.#ask();
      this.#metrics.pendingMessages.set(backlog.pendingMessages);
      this.#metrics.unackedMessages.set(backlog.unackedMessages);
    } catch {
      // The next look tries again.
    } finally {
      this.#isAsking = false;
    }
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }
}
