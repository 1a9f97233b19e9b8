import type { BigQueryClock } from "./clock.js";
import type { Spool } from "./load-spool.js";

const DAY_MS = 86_400_000;
/** The part of a day's jobs that may start without a wait between them. */
const BURST = 1 / 14;
const FILE = "pace.jsonl";

/**
 * Keeps load jobs below a number in any 24 hours, whatever restarts happen: a bucket of tokens, kept in
 * the spool. A short back-fill never waits; a long one gets its jobs evenly, and each grows meanwhile.
 */
export class LoadPace {
  readonly #spool: Spool;
  readonly #clock: BigQueryClock;
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  private constructor(spool: Spool, clock: BigQueryClock, perDay: number, tokens: number, atMs: number) {
    this.#spool = spool;
    this.#clock = clock;
    this.#burst = burstOf(perDay);
    // A full bucket and what trickles in within a day are `perDay` together.
    this.#perMs = (perDay - this.#burst + 1) / DAY_MS;
    this.#tokens = Math.min(tokens, this.#burst);
    this.#atMs = atMs;
  }

  static async open(spool: Spool, clock: BigQueryClock, perDay: number): Promise<LoadPace> {
    const bytes = await spool.read(FILE);
    const noted = bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as Record<string, number>);
    const { tokens = burstOf(perDay), atMs = clock.nowMs() } = noted ?? {};
    return new LoadPace(spool, clock, perDay, tokens, atMs);
  }

  /**
   * Resolves when a job may start, and that is written down.
   *
   * @throws EngineError `retry` when `signal` aborts the wait
   */
  async take(signal: AbortSignal): Promise<void> {
    this.#refill();
    while (this.#tokens < 1) {
      await this.#clock.backoff(Math.ceil((1 - this.#tokens) / this.#perMs), signal);
      this.#refill();
    }
    this.#tokens -= 1;
    await this.#spool.write(FILE, [Buffer.from(JSON.stringify({ tokens: this.#tokens, atMs: this.#atMs }))]);
  }

  #refill(): void {
    const nowMs = this.#clock.nowMs();
    // A clock that was set back gives nothing, and takes nothing.
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
    this.#atMs = nowMs;
  }
}

function burstOf(perDay: number): number {
  return Math.max(1, Math.floor(perDay * BURST));
}
