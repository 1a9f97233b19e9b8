/** What the charts show: the last looks, each second one, kept in this process. */
import type { Status } from "../status/status-report.js";
import type { HistoryPoint } from "./console-look.js";
import { PathTime } from "./path-time.js";

/** The charts' width, in milliseconds. */
export const HISTORY_MS = 900_000;
/** One a second, and a few more for a timer that hurries after a pause. */
const MAX_POINTS = 1_000;

/** Rates are over this time, in milliseconds: a look alone jumps with each batch. */
const RATE_MS = 5_000;

type Counts = Pick<Status, "published" | "crunched" | "stored" | "repeats" | "parked">;

export class History {
  #points: HistoryPoint[] = [];
  readonly #pathTime = new PathTime(HISTORY_MS);
  /** Those of the last seconds, oldest first. */
  #counted: { readonly counts: Counts; readonly tickMs: number }[] = [];

  /**
   * @param atMs milliseconds since the epoch
   * @param tickMs the same instant on a clock that never goes back
   */
  add(status: Status, atMs: number, tickMs: number): void {
    // The last one stays, however long ago it was.
    const last = this.#counted.at(-1);
    this.#counted = this.#counted.filter((one) => one === last || tickMs - one.tickMs <= RATE_MS);
    const before = this.#counted[0];
    this.#counted.push({ counts: status, tickMs });
    const rate = (of: (counts: Counts) => number): number | null => {
      if (before === undefined || tickMs <= before.tickMs) return null;
      return Math.max(0, Math.round(((of(status) - of(before.counts)) * 1_000) / (tickMs - before.tickMs)));
    };
    const pathSeconds = this.#pathTime.add(
      { published: status.published, done: status.stored + status.repeats + status.parked },
      tickMs,
    );
    this.#points.push({
      atMs,
      published: rate(({ published }) => published),
      crunched: rate(({ crunched }) => crunched),
      stored: rate(({ stored, repeats }) => stored + repeats),
      pathSeconds: pathSeconds === undefined ? null : Math.round(pathSeconds * 100) / 100,
      dataSeconds: status.data.oldestUnackedSeconds,
      resultsSeconds: status.results.oldestUnackedSeconds,
    });
    this.#points = this.#points.filter((point) => atMs - point.atMs <= HISTORY_MS).slice(-MAX_POINTS);
  }

  /** Oldest first. @param afterMs leaves out what is not later */
  after(afterMs: number): readonly HistoryPoint[] {
    return this.#points.filter(({ atMs }) => atMs > afterMs);
  }
}
