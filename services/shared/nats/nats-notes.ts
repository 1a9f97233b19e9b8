/** Notes in the stream STATE: one message a key, the newest. */
import { DiscardPolicy, RetentionPolicy, StorageType } from "nats";
import type { JetStreamManager } from "nats";
import { EngineError, messageOf } from "../errors.js";
import type { Note, Notes } from "../notes.js";
import { NO_MESSAGE_FOUND, STREAM_NOT_FOUND, WRONG_LAST_SEQUENCE, apiCodeOf } from "./api-errors.js";
import type { Link } from "./link.js";
import { findStream, makeTogether, stateStreamName, stateSubject } from "./topology.js";

/** Longest wait for a note to be stored, in milliseconds. */
const WRITE_MS = 3_000;

/** Makes STATE. Safe to call from many processes at once. */
export async function ensureStateStream(
  jsm: JetStreamManager,
  namespace: string | undefined,
  replicas: number,
): Promise<void> {
  const name = stateStreamName(namespace);
  await makeTogether(async () => {
    const existing = await findStream(jsm, name);
    if (existing === undefined) {
      await jsm.streams.add({
        name,
        subjects: [stateSubject(">", namespace)],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        max_msgs_per_subject: 1,
        num_replicas: replicas,
      });
    } else if (existing.config.num_replicas !== replicas) {
      await jsm.streams.update(name, { num_replicas: replicas });
    }
  });
}

export class NatsNotes implements Notes {
  readonly #link: Link;
  readonly #namespace: string | undefined;
  readonly #stream: string;

  constructor(link: Link, namespace: string | undefined) {
    this.#link = link;
    this.#namespace = namespace;
    this.#stream = stateStreamName(namespace);
  }

  async read(key: string): Promise<Note | undefined> {
    try {
      const stored = await this.#link.jsm.streams.getMessage(this.#stream, {
        last_by_subj: stateSubject(key, this.#namespace),
      });
      return {
        key,
        value: JSON.parse(new TextDecoder().decode(stored.data)) as unknown,
        revision: stored.seq,
      };
    } catch (thrown) {
      const code = apiCodeOf(thrown);
      if (code === NO_MESSAGE_FOUND || code === STREAM_NOT_FOUND) return undefined;
      throw thrown;
    }
  }

  async write(key: string, value: unknown, expected?: number): Promise<boolean> {
    const expect = {
      streamName: this.#stream,
      ...(expected !== undefined && { lastSubjectSequence: expected }),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    try {
      const js = this.#link.nc.jetstream({ timeout: WRITE_MS });
      await js.publish(stateSubject(key, this.#namespace), bytes, { expect });
      return true;
    } catch (thrown) {
      const code = apiCodeOf(thrown);
      if (code === WRONG_LAST_SEQUENCE) return false;
      if (code === undefined) throw thrown;
      throw new EngineError("note_refused", "retry", `${key} cannot be noted: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
  }

  async all(first: string): Promise<readonly Note[]> {
    const { jsm } = this.#link;
    const filter = stateSubject(`${first}.>`, this.#namespace);
    let subjects: readonly string[];
    try {
      const { state } = await jsm.streams.info(this.#stream, { subjects_filter: filter });
      subjects = Object.keys(state.subjects ?? {});
    } catch (thrown) {
      if (apiCodeOf(thrown) === STREAM_NOT_FOUND) return [];
      throw thrown;
    }
    const prefixLength = stateSubject("", this.#namespace).length;
    const notes = await Promise.all(subjects.map((subject) => this.read(subject.slice(prefixLength))));
    return notes.filter((note) => note !== undefined);
  }

  async remove(key: string): Promise<void> {
    await this.#link.jsm.streams.purge(this.#stream, { filter: stateSubject(key, this.#namespace) });
  }
}
