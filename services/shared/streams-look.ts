/** What the streams say about the path of records, at one moment. */

/** A stream and the stage that works on it, at one moment. */
export interface StageLook {
  /** Records of every message the stream ever stored. */
  readonly records: number;
  /** Those in messages up to the ack floor: nothing up to there is unfinished. */
  readonly settledRecords: number;
  /** Messages not yet delivered to any engine. */
  readonly pendingMessages: number;
  /** Messages delivered and not yet acked. */
  readonly unackedMessages: number;
  /** When the oldest unfinished message was stored, milliseconds since the epoch; undefined if none is. */
  readonly oldestUnfinishedAtMs: number | undefined;
}

/** Records that were ever parked, by where they came from and why. */
export interface ParkedCounts {
  readonly fromData: number;
  readonly fromResults: number;
  /** Rows of a source that were no records, so that no stream ever had them. */
  readonly rows: number;
  /** All of them, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface ParkedLook extends ParkedCounts {
  /** Messages of PARKED that nobody has replayed or dropped. */
  readonly keptMessages: number;
}

/** What the streams say. */
export interface StreamsLook {
  readonly data: StageLook;
  readonly results: StageLook;
  readonly parked: ParkedLook;
}
