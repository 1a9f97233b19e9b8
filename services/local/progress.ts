import type { RunCounts } from "./run-metrics.js";

/** Where progress goes: stderr, so that stdout stays for results. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Time between two lines where there is no terminal. */
const PLAIN_EVERY_MS = 2_000;
/** The rate shown is that of this last stretch. */
const RATE_WINDOW_MS = 3_000;
const BAR_WIDTH = 20;
const CLEAR_LINE = "\r\x1b[K";

/** A bar that stays in its line on a terminal; a plain line now and then elsewhere. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #history: { atMs: number; settled: number }[] = [];
  #barShown = "";
  #plainAtMs = -Infinity;
  #closed = false;

  constructor(output: ProgressOutput, now: () => number = Date.now) {
    this.#output = output;
    this.#now = now;
  }

  /** Does nothing after {@link close}: the last reading may come late. */
  update(counts: RunCounts): void {
    if (this.#closed) return;
    const now = this.#now();
    const settled = counts.stored + counts.repeats;
    this.#history.push({ atMs: now, settled });
    while ((this.#history[1]?.atMs ?? now) <= now - RATE_WINDOW_MS) this.#history.shift();
    const first = this.#history[0] ?? { atMs: now, settled };
    const ms = now - first.atMs;
    const text = progressText(counts, ms > 0 ? ((settled - first.settled) * 1000) / ms : 0);

    if (this.#output.isTTY === true) {
      this.#barShown = `${bar(counts)}${text}`.slice(0, (this.#output.columns ?? 100) - 1);
      this.#output.write(CLEAR_LINE + this.#barShown);
    } else if (now - this.#plainAtMs >= PLAIN_EVERY_MS) {
      this.#plainAtMs = now;
      this.#output.write(`${text}\n`);
    }
  }

  /** One or more lines of text, above the bar if there is one. */
  note(text: string): void {
    this.#output.write(this.#barShown === "" ? `${text}\n` : `${CLEAR_LINE}${text}\n${this.#barShown}`);
  }

  /** Removes the bar for good; notes are still written. Idempotent. */
  close(): void {
    if (this.#barShown !== "") this.#output.write(CLEAR_LINE);
    this.#barShown = "";
    this.#closed = true;
  }
}

/** `  60,000 published, 50,000 crunched, 40,000 stored, 12,000 records/s` */
export function progressText(counts: RunCounts, recordsPerSecond: number): string {
  const parts = [
    `${count(counts.published)} published`,
    `${count(counts.crunched)} crunched`,
    `${count(counts.stored)} stored`,
    ...(counts.repeats > 0 ? [`${count(counts.repeats)} repeats`] : []),
    `${count(recordsPerSecond)} records/s`,
  ];
  return `  ${parts.join(", ")}`;
}

function bar(counts: RunCounts): string {
  if (counts.expected === undefined) return "";
  const share = Math.min(1, (counts.stored + counts.repeats) / counts.expected);
  const full = Math.floor(share * BAR_WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `  [${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ${percent} %`;
}

/** A whole number with thousands separated. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
