/**
 * Small facts that outlive a process: how many records a stream ever had, what a sink has stored, who is
 * running. Interface only; `nats/` keeps them in the stream STATE, `memory/` in this process, and both
 * pass the same contract suite.
 */

/** Dot-separated words of letters, digits, `-` and `_`: `count.DATA`. */
export type NoteKey = string;

/** One fact. */
export interface Note {
  readonly key: NoteKey;
  readonly value: unknown;
  /** Changes with every write. */
  readonly revision: number;
}

export interface Notes {
  /** @returns undefined if there is none */
  read(key: NoteKey): Promise<Note | undefined>;

  /**
   * Writes a note, in the place of the one before.
   *
   * @param expected revision that it replaces, 0 for none; without it, whatever is there
   * @returns false, and nothing written, if the note has another revision
   * @throws EngineError `note_refused` when the server does not take it, anything else while it is away
   */
  write(key: NoteKey, value: unknown, expected?: number): Promise<boolean>;

  /** Every note whose key starts with the word `first`. */
  all(first: string): Promise<readonly Note[]>;

  /** Idempotent. */
  remove(key: NoteKey): Promise<void>;
}
