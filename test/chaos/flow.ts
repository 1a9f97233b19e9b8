import { until } from "../support/until.js";

/** Whether the table grows. */
export class Flow {
  readonly #storedRows: () => Promise<number | undefined>;
  #last = 0;

  constructor(storedRows: () => Promise<number | undefined>) {
    this.#storedRows = storedRows;
  }

  /** @returns how long the next row takes from now on, in milliseconds in which this machine did not stand still */
  grows(deadlineMs: number): Promise<number> {
    let before: number | undefined;
    const hasGrown = async (): Promise<boolean> => {
      this.#last = (await this.#storedRows()) ?? this.#last;
      before ??= this.#last;
      return this.#last > before;
    };
    return until(hasGrown, deadlineMs, "a further row stored after the faults were healed");
  }
}
