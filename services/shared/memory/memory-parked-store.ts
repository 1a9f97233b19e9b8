/** What is parked in memory. */
import type { Topic } from "../messaging.js";
import { entriesOf } from "../parked-entries.js";
import type { ParkedMessage } from "../parked-entries.js";
import type { ParkedEntry, ParkedStore } from "../parked-store.js";
import type { MemoryStream, StoredMessage } from "./memory-stream.js";

export class MemoryParkedStore implements ParkedStore {
  readonly #stream: MemoryStream;
  readonly #beforeRemoval: () => void;

  constructor(stream: MemoryStream, beforeRemoval: () => void) {
    this.#stream = stream;
    this.#beforeRemoval = beforeRemoval;
  }

  entries(fromSequence = 1): AsyncIterable<ParkedEntry> {
    const { name, createdAt, messages } = this.#stream;
    const wanted = messages.filter(({ sequence }) => sequence >= fromSequence);
    return entriesOf(each(wanted), `${name}-${createdAt}`);
  }

  remove(entry: ParkedEntry): Promise<void> {
    this.#beforeRemoval();
    for (const sequence of entry.sequences) this.#stream.remove(sequence);
    return Promise.resolve();
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- async only because a server would be
async function* each(messages: readonly StoredMessage[]): AsyncGenerator<ParkedMessage, void, undefined> {
  for (const { sequence, storedAtNs, subject, payload, headers } of messages) {
    const topic: Topic = subject === "parked.results" ? "results" : "data";
    yield { sequence, storedAtMs: Number(storedAtNs / 1_000_000n), topic, payload, headers };
  }
}
