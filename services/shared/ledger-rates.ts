import type { Ledger } from "./ledger.js";

/** Looks that are older do not count, in milliseconds. */
const WINDOW_MS = 60_000;

/** Records per second. */
export interface Rates {
  readonly published: number;
  readonly crunched: number;
  readonly stored: number;
}

interface Look {
  readonly ledger: Ledger;
  readonly atMs: number;
}

/** How fast records move, from looks at the ledger over the last minute. */
export class LedgerRates {
  #looks: Look[] = [];

  /** @param atMs of a clock that never goes back */
  add(ledger: Ledger, atMs: number): void {
    this.#looks = this.#looks.filter((look) => atMs - look.atMs <= WINDOW_MS);
    this.#looks.push({ ledger, atMs });
  }

  /** Zeros until there were two looks. */
  get rates(): Rates {
    return {
      published: this.#rate(({ published }) => published),
      crunched: this.#rate(({ crunched }) => crunched),
      stored: this.#rate(({ stored, repeats }) => stored + repeats),
    };
  }

  /** Seconds until nothing is outstanding; undefined while nothing moves. */
  drainSeconds({ outstanding }: Ledger): number | undefined {
    if (outstanding === 0) return 0;
    const { stored } = this.rates;
    return stored > 0 ? outstanding / stored : undefined;
  }

  #rate(of: (ledger: Ledger) => number): number {
    const first = this.#looks[0];
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return Math.max(0, ((of(last.ledger) - of(first.ledger)) * 1_000) / (last.atMs - first.atMs));
  }
}
