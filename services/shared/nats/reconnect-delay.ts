/** Where {@link ReconnectDelay} reads the time, in milliseconds. */
export interface DelayClock {
  readonly wallNowMs: () => number;
  /** Of a clock that only goes forward. */
  readonly steadyNowMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const systemClock: DelayClock = {
  wallNowMs: () => Date.now(),
  steadyNowMs: () => performance.now(),
  random: () => Math.random(),
};

const WAIT_MS = 500;
const JITTER_MS = 500;
/** The clock counts as set back from this on; less is only waited for. */
const STEP_BACK_MS = 1_000;

/**
 * How long the client library waits between two dials of a server.
 *
 * The library compares the machine's clock with what it was at the last dial: set back by an hour,
 * it would not dial for an hour. After such a step each server is dialled once without a wait.
 */
export class ReconnectDelay {
  readonly #servers: number;
  readonly #clock: DelayClock;
  #offsetMs: number;
  #undelayedDials = 0;

  /** @param servers how many there are to dial */
  constructor(servers: number, clock = systemClock) {
    this.#servers = servers;
    this.#clock = clock;
    this.#offsetMs = this.#nowOffsetMs();
  }

  /** Called before each dial. @returns milliseconds since the last dial of the same server */
  nextMs(): number {
    const offsetMs = this.#nowOffsetMs();
    if (offsetMs < this.#offsetMs - STEP_BACK_MS) this.#undelayedDials = this.#servers;
    this.#offsetMs = offsetMs;
    if (this.#undelayedDials > 0) {
      this.#undelayedDials -= 1;
      return Number.NEGATIVE_INFINITY;
    }
    return WAIT_MS + JITTER_MS * this.#clock.random();
  }

  #nowOffsetMs(): number {
    return this.#clock.wallNowMs() - this.#clock.steadyNowMs();
  }
}
