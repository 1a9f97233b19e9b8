import { LOADING } from "./progress.js";
import type { Position, Progress } from "./progress.js";

/** Looks per timeout: a stuck record is found at most a tenth of the timeout late. */
const LOOKS_PER_TIMEOUT = 10;
const MIN_LOOK_MS = 5;
const MAX_LOOK_MS = 1_000;

interface Watched {
  last: Position;
  /** Looks in a row that saw the same record. */
  looks: number;
}

/**
 * Finds records that take longer than the timeout, and crunchers that take longer to load than theirs, with one timer for
 * all threads. It counts its own looks rather than time, so that nobody is blamed for a process that was paused.
 */
export class StuckWatch {
  readonly #lookMs: number;
  readonly #maxLooks: number;
  readonly #maxLoadLooks: number;
  readonly #onStuck: (progress: Progress, position: Position) => void;
  readonly #watched = new Map<Progress, Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** @param onStuck called again each further timeout until the request is removed */
  constructor(
    { timeoutMs, loadTimeoutMs }: { readonly timeoutMs: number; readonly loadTimeoutMs: number },
    onStuck: (progress: Progress, position: Position) => void,
  ) {
    this.#lookMs = Math.min(MAX_LOOK_MS, Math.max(MIN_LOOK_MS, Math.floor(timeoutMs / LOOKS_PER_TIMEOUT)));
    this.#maxLooks = Math.ceil(timeoutMs / this.#lookMs);
    this.#maxLoadLooks = Math.ceil(loadTimeoutMs / this.#lookMs);
    this.#onStuck = onStuck;
  }

  add(progress: Progress): void {
    this.#watched.set(progress, { last: progress.position(), looks: 0 });
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs).unref();
  }

  remove(progress: Progress): void {
    this.#watched.delete(progress);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [progress, watched] of this.#watched) {
      const position = progress.position();
      const isLoading = position.record === LOADING;
      if ((position.record < 0 && !isLoading) || !samePosition(position, watched.last)) {
        watched.last = position;
        watched.looks = 0;
        continue;
      }
      watched.looks += 1;
      if (watched.looks < (isLoading ? this.#maxLoadLooks : this.#maxLooks)) continue;
      watched.looks = 0;
      this.#onStuck(progress, position);
    }
  }
}

/** True if both are the same record of the same request. */
export function samePosition(a: Position, b: Position): boolean {
  return a.record === b.record && a.threadId === b.threadId;
}
