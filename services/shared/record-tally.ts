/**
 * How many records the first messages of a stream have, from the frames among them: every message that
 * is no frame is one record.
 */

/** The count that everything else is added to. */
export interface CountedPart {
  /** Sequence of the last message in it. */
  readonly upTo: number;
  readonly records: number;
}

export class RecordTally {
  #base: CountedPart;
  /** Frames behind the base, in order, up to `#countedTo`. */
  #sequences: number[] = [];
  /** What the frames up to and with each add to a count of one record a message. */
  #extras: number[] = [];
  #countedTo: number;

  constructor(base: CountedPart) {
    this.#base = base;
    this.#countedTo = base.upTo;
  }

  /** Nothing before this can be told apart any more. */
  get base(): CountedPart {
    return this.#base;
  }

  /** Counts are known up to this sequence. */
  get countedTo(): number {
    return this.#countedTo;
  }

  /** @param frames between {@link countedTo} and `upTo`, in order, all of them */
  append(frames: Iterable<{ readonly sequence: number; readonly records: number }>, upTo: number): void {
    let extra = this.#extras.at(-1) ?? 0;
    for (const { sequence, records } of frames) {
      extra += records - 1;
      this.#sequences.push(sequence);
      this.#extras.push(extra);
    }
    this.#countedTo = Math.max(this.#countedTo, upTo);
  }

  /** Records in messages up to a sequence; those of the base for a sequence before its end. */
  at(sequence: number): number {
    const { upTo, records } = this.#base;
    const singles = Math.max(0, Math.min(sequence, this.#countedTo) - upTo);
    return records + singles + (this.#extras[this.#framesUpTo(sequence) - 1] ?? 0);
  }

  /** Forgets the single frames up to a sequence, in favour of their sum. */
  fold(upTo: number): void {
    const end = Math.min(upTo, this.#countedTo);
    if (end <= this.#base.upTo) return;
    const count = this.#framesUpTo(end);
    const folded = this.#extras[count - 1] ?? 0;
    this.#base = { upTo: end, records: this.at(end) };
    this.#sequences = this.#sequences.slice(count);
    this.#extras = this.#extras.slice(count).map((extra) => extra - folded);
  }

  /** How many of the frames lie up to a sequence. */
  #framesUpTo(sequence: number): number {
    let low = 0;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sequences[middle] ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
