import type { EngineContext } from "./engine.js";
import type { Publisher } from "./messaging.js";

/** How often publishing is looked at, in milliseconds. */
const LOOK_EVERY_MS = 500;
/** Shorter stops are nobody's business: a reconnect, one refusal. */
const TELL_AFTER_MS = 1_000;
/** A stream that is nearly full flows and stops by turns; that is one pause. */
const OVER_AFTER_MS = 5_000;

/** What is to be told. */
export type PublishNews =
  | { readonly kind: "paused"; readonly reason: string }
  | { readonly kind: "resumed"; readonly pausedMs: number };

/** Turns looks at {@link Publisher.blockedBy} into one piece of news at the start and one at the end of a pause. */
export class PublishPauses {
  #blockedSinceMs: number | undefined;
  #flowsSinceMs: number | undefined;
  #isTold = false;

  /**
   * @param blockedBy undefined while publishing flows
   * @param nowMs of a clock that never goes back
   */
  look(blockedBy: string | undefined, nowMs: number): PublishNews | undefined {
    if (blockedBy !== undefined) {
      this.#flowsSinceMs = undefined;
      this.#blockedSinceMs ??= nowMs;
      if (this.#isTold || nowMs - this.#blockedSinceMs < TELL_AFTER_MS) return undefined;
      this.#isTold = true;
      return { kind: "paused", reason: blockedBy };
    }
    if (this.#blockedSinceMs === undefined) return undefined;
    this.#flowsSinceMs ??= nowMs;
    if (this.#isTold && nowMs - this.#flowsSinceMs < OVER_AFTER_MS) return undefined;
    const wasTold = this.#isTold;
    const pausedMs = this.#flowsSinceMs - this.#blockedSinceMs;
    this.#blockedSinceMs = this.#flowsSinceMs = undefined;
    this.#isTold = false;
    return wasTold ? { kind: "resumed", pausedMs } : undefined;
  }
}

/**
 * Shows until the engine ends whether publishing is held back: in `/readyz`, in a gauge, and by one log line
 * when a pause begins and one when it is over.
 */
export function watchPublishing(
  context: EngineContext,
  publisher: Pick<Publisher, "blockedBy">,
  names: { readonly prefix: string; readonly component: string },
): void {
  const { logger, health, metrics } = context;
  health.watch(names.component, () => {
    const blockedBy = publisher.blockedBy();
    return { ok: blockedBy === undefined, detail: blockedBy ?? "flowing" };
  });
  metrics.gauge(`${names.prefix}_publish_blocked`, "1 while publishing is held back, else 0", [], (gauge) =>
    gauge.set(publisher.blockedBy() === undefined ? 0 : 1),
  );
  const pauses = new PublishPauses();
  const look = (nowMs: number): void => {
    const news = pauses.look(publisher.blockedBy(), nowMs);
    if (news === undefined) return;
    if (news.kind === "paused") {
      const { reason } = news;
      logger.warn(
        { event: "publishing_paused", reason },
        `publishing is paused: ${reason}; it goes on by itself`,
      );
    } else {
      const pausedMs = Math.round(news.pausedMs);
      logger.warn(
        { event: "publishing_resumed", pausedMs },
        `publishing goes on after ${String(pausedMs)} ms`,
      );
    }
  };
  const timer = setInterval(() => look(performance.now()), LOOK_EVERY_MS);
  context.defer(() => {
    clearInterval(timer);
    // An engine that ends soon after a pause still tells that it was over.
    const nowMs = performance.now();
    look(nowMs);
    look(nowMs + OVER_AFTER_MS);
  });
}
