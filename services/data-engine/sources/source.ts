/**
 * Where records come from. A source knows nothing of NATS; it hands out columns and is asked for
 * the next chunk only when there is room for it.
 */

/** Records in the order of the source, as columns of the same length. */
export interface SourceChunk {
  readonly ids: BigInt64Array;
  readonly data: BigInt64Array;
  readonly meta: readonly string[];
  /** Rows that are no records; each is parked alone and the rest goes on. */
  readonly bad: readonly BadRow[];
  /** Rows of the source up to the end of this chunk, good and bad, from the very first. */
  readonly endPosition: number;
}

/** A row that is no record. */
export interface BadRow {
  /** Rows of the source before this one; not the line, as a file may have its broken rows last. */
  readonly position: number;
  /** The value, the limit and where: `line 7: Data="1.5" is no int64`. */
  readonly reason: string;
  /** The row as text, kept with the reason. */
  readonly row: string;
}

export interface Source {
  /**
   * True if chunks come at a pace of their own, so a frame is closed at the end of each chunk
   * instead of waiting for the next. Frames of an unpaced source are always cut at the same
   * places, whatever the timing, which is what makes a restarted run recognise its own frames.
   */
  readonly paced: boolean;
  /** Rows in the source if it is known beforehand, for progress bars. */
  readonly expectedRecords: number | undefined;

  /**
   * Chunks from row `fromPosition` on, in order, until the source ends or `signal` aborts.
   * The same position always yields the same records.
   *
   * @throws EngineError `stop` when the source breaks in the middle
   */
  chunks(fromPosition: number, signal: AbortSignal): AsyncIterable<SourceChunk>;

  /** Releases files and connections. Idempotent. */
  close(): Promise<void>;
}
