/**
 * Which messages of a stream may be removed: those that every consumer has finished, once they are
 * older than the dedupe window, or sooner while the stream is more than half full: then the oldest, and no
 * more than bring it back to half, because a restarted server knows only the ids of what it still holds.
 * Decisions only; `trimmer.ts` carries them out.
 */

/** What a stream looks like at one moment. */
export interface StreamLook {
  /** When the stream was created: another value means another stream of the same name. */
  readonly createdAt: string;
  readonly firstSequence: number;
  /** Of the newest message; below `firstSequence` when there is none. */
  readonly lastSequence: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /**
   * The highest sequence up to which each consumer has acked everything; empty when the durable of
   * the stage is missing, so nothing is known to be finished.
   */
  readonly ackFloors: readonly number[];
}

interface Sample {
  readonly floor: number;
  readonly atMs: number;
}

export class TrimPlanner {
  readonly #windowMs: number;
  /** Ack floors over time, oldest first. What was acked at a time was stored before it. */
  #samples: Sample[] = [];
  #createdAt: string | undefined;

  /** @param windowMs the dedupe window: a finished message is kept at least this long */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /**
   * @param nowMs of a clock that never goes back
   * @returns the highest sequence to remove, with everything below it; undefined if there is nothing
   */
  removable(look: StreamLook, nowMs: number): number | undefined {
    const floor = look.ackFloors.length === 0 ? 0 : Math.min(...look.ackFloors);
    const last = this.#samples.at(-1);
    if (look.createdAt !== this.#createdAt || (last !== undefined && floor < last.floor)) {
      // Another stream or another consumer: nothing learned so far holds.
      this.#createdAt = look.createdAt;
      this.#samples = [];
    }
    if (floor > (this.#samples.at(-1)?.floor ?? 0)) this.#samples.push({ floor, atMs: nowMs });
    const upTo = Math.max(this.#floorBefore(nowMs - this.#windowMs), Math.min(floor, overHalf(look)));
    return upTo >= look.firstSequence && upTo > 0 ? upTo : undefined;
  }

  /** The newest floor seen at or before a time. Drops the samples older than that one. */
  #floorBefore(atMs: number): number {
    const younger = this.#samples.findIndex((sample) => sample.atMs > atMs);
    const count = younger < 0 ? this.#samples.length : younger;
    if (count === 0) return 0;
    this.#samples.splice(0, count - 1);
    return this.#samples[0]?.floor ?? 0;
  }
}

/**
 * The sequence up to which a stream holds what it has beyond half of its bytes, if all messages are of
 * one size; 0 if it has no more than half. The next look corrects what differs.
 */
function overHalf({ firstSequence, lastSequence, bytes, maxBytes }: StreamLook): number {
  const excessBytes = bytes - maxBytes / 2;
  if (maxBytes <= 0 || excessBytes <= 0) return 0;
  const messages = lastSequence - firstSequence + 1;
  return firstSequence - 1 + Math.ceil((messages * excessBytes) / bytes);
}
