/** `crunch status --watch --json` beside a page, and what it says of a look of the page. */
import type { Status } from "../../services/status/status-report.js";
import { CrunchProcess } from "./engine-process.js";
import type { Shown } from "./console-page.js";

interface Line {
  readonly status: Status;
  readonly heardAtMs: number;
}

/** Figures that never get smaller. */
export const COUNTERS = ["published", "crunched", "stored", "parked", "data.records"] as const;

export class StatusWatch {
  readonly #process: CrunchProcess;
  readonly #lines: Line[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(env: Readonly<Record<string, string>>) {
    this.#process = new CrunchProcess(["status", "--watch", "--json"], env);
    // Late by this much, and on a machine that pauses by more.
    this.#timer = setInterval(() => this.#take(), 20);
  }

  get looks(): number {
    return this.#lines.length;
  }

  /**
   * What is wrong with the counters of a page, if its look was not between two of these; undefined while
   * the later of them is not there yet. A look begins after the line before it was printed; one that is heard after
   * the page's look may be from before it, the next that comes is not.
   */
  wrongIn({ figures, lookedFromMs, lookedUntilMs }: Shown): readonly string[] | undefined {
    const before = this.#lines.findLast(({ heardAtMs }) => heardAtMs <= lookedFromMs);
    const heard = this.#lines.find(({ heardAtMs }) => heardAtMs > lookedUntilMs);
    const last = this.#lines.findIndex(({ heardAtMs }) => heardAtMs > (heard?.heardAtMs ?? Infinity));
    const after = last < 0 ? undefined : this.#lines[last + 1];
    if (after === undefined) return undefined;
    if (before === undefined) return [];
    return COUNTERS.flatMap((name) => {
      const value = figures[name] ?? NaN;
      const [low, high] = [before, after].map(({ status }) => figureIn(status, name) ?? NaN);
      if (low !== undefined && high !== undefined && value >= low && value <= high) return [];
      return [`${name}: the page has ${String(value)}, not ${String(low)} to ${String(high)}`];
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#process.kill("SIGTERM");
    await this.#process.exited;
  }

  #take(): void {
    for (const line of this.#process.lines.slice(this.#lines.length)) {
      this.#lines.push({ status: line as unknown as Status, heardAtMs: Date.now() });
    }
  }
}

/** The figure that a path like `data.records` names. */
export function figureIn(status: Status, path: string): number | null | undefined {
  let value: unknown = status;
  const [head = "", ...rest] = path.split(".");
  // A reason of a parked item may have dots of its own.
  for (const key of rest.length === 0 ? [head] : [head, rest.join(".")]) {
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value as number | null | undefined;
}
