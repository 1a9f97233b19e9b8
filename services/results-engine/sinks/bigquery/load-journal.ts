/**
 * What mode load remembers of each batch: its messages, and the jobs that load it. Written before a job
 * starts, so whoever comes after a crash runs the identical job, which BigQuery runs once.
 *
 * A message is known by the IDs and DTimeStamps of its results ({@link messagesOf}): JetStream delivers it
 * again byte for byte, in whatever company. A batch that is stored is kept for a while, because the acks of its messages may
 * be lost.
 */
import { createHash } from "node:crypto";
import { identitiesIn } from "./load-messages.js";
import type { Spool } from "./load-spool.js";

/** A row that BigQuery does not get or does not take. */
export interface RejectedLine {
  /** Row in its message. */
  readonly row: number;
  readonly reason: string;
  /** True if it is a line of the file all the same: BigQuery refused it. */
  readonly written?: true;
}

export interface BatchMessage {
  readonly key: string;
  readonly rows: number;
  /** DTimeStamp of its first row; undefined for one that no other answer belongs to. */
  readonly instant: string | undefined;
  readonly rejected: RejectedLine[];
}

/** Where the rows of a message are among those of its batch. */
interface MessagePlace {
  readonly note: BatchNote;
  readonly message: BatchMessage;
  readonly firstRow: number;
}

/** Some lines of a batch's file and the job that loads them. */
export interface Piece {
  readonly firstByte: number;
  readonly endByte: number;
  readonly firstLine: number;
  readonly lines: number;
  /** Grows when a job has failed: BigQuery never runs the id of a failed job again. */
  attempt: number;
  /** `refused`: BigQuery does not take its only line; whose fault that is, is not decided. */
  state: "waiting" | "loaded" | "refused";
  reason?: string;
}

export interface BatchNote {
  /** Names the files and starts the job ids. */
  readonly id: string;
  /** Which table these jobs are for: one of the same name that was made anew has none of their rows. */
  readonly table: string;
  readonly messages: readonly BatchMessage[];
  pieces: Piece[];
  late: number;
}

/** How long a stored batch is remembered while the engine runs: longer than any message waits for its ack. */
const REMEMBER_MS = 10 * 60_000;

export class LoadJournal {
  readonly #spool: Spool;
  readonly #table: string;
  readonly #elapsedMs: () => number;
  readonly #messages = new Map<string, BatchMessage>();
  readonly #byInstant = new Map<string, readonly MessagePlace[]>();
  readonly #waiting: BatchNote[] = [];
  #stored: { readonly note: BatchNote; readonly sinceMs: number }[] = [];

  private constructor(spool: Spool, table: string, elapsedMs: () => number) {
    this.#spool = spool;
    this.#table = table;
    this.#elapsedMs = elapsedMs;
  }

  /**
   * @param table names the table and its creation
   * @param elapsedMs a clock that nobody sets: a jump would make it forget what may come again
   */
  static async open(spool: Spool, table: string, elapsedMs: () => number): Promise<LoadJournal> {
    const journal = new LoadJournal(spool, table, elapsedMs);
    const noted = new Set<string>();
    for (const name of await spool.names(".json")) {
      const bytes = await spool.read(name);
      if (bytes === undefined) continue;
      const note = JSON.parse(bytes.toString()) as BatchNote;
      if (note.table !== table) {
        await spool.remove(name);
        continue;
      }
      noted.add(fileOf(note)).add(identitiesFileOf(note));
      journal.#remember(note);
    }
    // No job was started for rows without a note: their messages were never acked and come again.
    const files = await Promise.all([".ndjson", ".ids", ".part"].map((ending) => spool.names(ending)));
    for (const name of files.flat()) {
      if (!noted.has(name)) await spool.remove(name);
    }
    return journal;
  }

  /** Batches whose jobs have not ended, oldest first. */
  get waiting(): readonly BatchNote[] {
    return this.#waiting;
  }

  /** @returns undefined if the message is in no batch that is remembered */
  known(key: string): BatchMessage | undefined {
    return this.#messages.get(key);
  }

  /** Rows of messages of one instant, by ID and DTimeStamp, and why those were rejected that were. */
  async rowsAt(instant: string): Promise<ReadonlyMap<string, string | undefined>> {
    const rows = new Map<string, string | undefined>();
    for (const { note, message, firstRow } of this.#byInstant.get(instant) ?? []) {
      const bytes = await this.#spool.read(identitiesFileOf(note));
      const reasons = new Map(message.rejected.map(({ row, reason }) => [row, reason]));
      const identities = bytes === undefined ? [] : identitiesIn(bytes, firstRow, message.rows);
      for (const [row, identity] of identities.entries()) rows.set(identity, reasons.get(row));
    }
    return rows;
  }

  newNote(messages: readonly BatchMessage[]): BatchNote {
    const hash = createHash("sha256").update(this.#table);
    for (const { key } of messages) hash.update(key);
    const id = `crunch_${hash.digest("hex").slice(0, 40)}`;
    return { id, table: this.#table, messages, pieces: [], late: 0 };
  }

  /**
   * Resolves when the batch is written down: from now on its messages are known.
   *
   * @param identities of its messages, in order: {@link identityBytes}
   */
  async add(note: BatchNote, identities: readonly Uint8Array[]): Promise<void> {
    await this.#spool.write(identitiesFileOf(note), identities);
    await this.save(note);
    this.#remember(note);
  }

  async save(note: BatchNote): Promise<void> {
    await this.#spool.write(`${note.id}.json`, [Buffer.from(JSON.stringify(note))]);
  }

  /** All of the batch's jobs have ended. */
  async end(note: BatchNote): Promise<void> {
    await this.save(note);
    const place = this.#waiting.indexOf(note);
    // A batch without a line had no job to wait for.
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      this.#stored.push({ note, sinceMs: this.#elapsedMs() });
    }
    await this.#spool.remove(fileOf(note));
    await this.#forget();
  }

  #remember(note: BatchNote): void {
    let firstRow = 0;
    for (const message of note.messages) {
      this.#messages.set(message.key, message);
      const { instant } = message;
      if (instant !== undefined) {
        const place = { note, message, firstRow };
        this.#byInstant.set(instant, [...(this.#byInstant.get(instant) ?? []), place]);
      }
      firstRow += message.rows;
    }
    if (note.pieces.every(({ state }) => state === "loaded")) {
      // However long the engine was away: the messages may come only now.
      this.#stored.push({ note, sinceMs: this.#elapsedMs() });
    } else this.#waiting.push(note);
  }

  async #forget(): Promise<void> {
    const keptSinceMs = this.#elapsedMs() - REMEMBER_MS;
    const old = this.#stored.filter(({ sinceMs }) => sinceMs < keptSinceMs);
    if (old.length === 0) return;
    this.#stored = this.#stored.filter(({ sinceMs }) => sinceMs >= keptSinceMs);
    for (const { note } of old) {
      for (const { key, instant = "" } of note.messages) {
        this.#messages.delete(key);
        const others = this.#byInstant.get(instant)?.filter((place) => place.note !== note) ?? [];
        if (others.length > 0) this.#byInstant.set(instant, others);
        else this.#byInstant.delete(instant);
      }
      await this.#spool.remove(`${note.id}.json`);
      await this.#spool.remove(identitiesFileOf(note));
    }
  }
}

/** The file with the rows of a batch. */
export function fileOf({ id }: BatchNote): string {
  return `${id}.ndjson`;
}

/** The file with the ID and DTimeStamp of each row of a batch. */
function identitiesFileOf({ id }: BatchNote): string {
  return `${id}.ids`;
}

/** The id of a piece's next job. BigQuery takes letters, digits, - and _. */
export function jobIdOf({ id }: BatchNote, { firstLine, lines, attempt }: Piece): string {
  return `${id}_${String(firstLine)}_${String(lines)}_${String(attempt)}`;
}
