import { until } from "../support/until.js";

/** Whether the table grows. */
export class Flow {
  readonly #storedRows: () => Promise<number | undefined>;
  #last = 0;

  constructor(storedRows: () => Promise<number | undefined>) {
    this.#storedRows = storedRows;
  }

  /** @returns how long the next row takes from now on, in milliseconds */
  async grows(deadlineMs: number): Promise<number> {
    const startedAtMs = performance.now();
    const before = (await this.#storedRows()) ?? this.#last;
    const hasGrown = async (): Promise<boolean> => {
      this.#last = (await this.#storedRows()) ?? this.#last;
      return this.#last > before;
    };
    await until(hasGrown, deadlineMs, "a further row stored after the faults were healed");
    return performance.now() - startedAtMs;
  }
}
