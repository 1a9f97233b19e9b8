/**
 * Timeouts of a process that stood still, as when its machine was paused. It finds the answer and the end of
 * its patience together, and its timers come first: nobody was silent.
 */

const LOOK_MS = 100;
/** A look that comes this late says that the process stood still. Less leaves most of a timeout of 3 s. */
const MIN_PAUSE_MS = 1_000;
/** A machine that stands still in each of these is of no use to anybody. */
const MAX_TRIES = 5;

/** Asks again when a timeout was only that of a process that stood still meanwhile; `ask` may be repeated. */
export async function throughPauses<T>(
  ask: () => Promise<T>,
  isTimeout: (thrown: unknown) => boolean,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const watch = new PauseWatch();
    try {
      return await ask();
    } catch (thrown) {
      if (tries === MAX_TRIES || !isTimeout(thrown) || !watch.sawPause()) throw thrown;
    } finally {
      watch.close();
    }
  }
}

class PauseWatch {
  #lastMs = performance.now();
  #longestMs = 0;
  readonly #timer = setInterval(() => this.#look(), LOOK_MS).unref();

  sawPause(): boolean {
    // Of the timers that are due after a pause, this one may be the last.
    this.#look();
    return this.#longestMs >= LOOK_MS + MIN_PAUSE_MS;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}
