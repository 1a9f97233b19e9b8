import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../deploy-marathon/clock.js";

/** A clock on which waiting takes no time but moves it on. */
export class SteppingClock implements Clock {
  now = Date.UTC(2026, 0, 1);
  /** Called before each wait ends. */
  onWait: (count: number) => void = () => undefined;
  #waits = 0;

  nowMs(): number {
    return this.now;
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#waits += 1;
    this.now += ms;
    this.onWait(this.#waits);
    await nextTurn();
  }
}
