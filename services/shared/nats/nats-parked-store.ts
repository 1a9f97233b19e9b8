/** What the stream PARKED holds. */
import { UserError } from "../errors.js";
import { entriesOf } from "../parked-entries.js";
import type { ParkedMessage } from "../parked-entries.js";
import type { ParkedEntry, ParkedStore } from "../parked-store.js";
import { headersOf } from "../parking.js";
import { isAdvisory, itemOfAdvisory } from "./advisories.js";
import { toRecord } from "./headers.js";
import type { Link } from "./link.js";
import type { ParkedCounter } from "./parked-counter.js";
import { readStretch, removeMessage } from "./stream-reader.js";
import { findStream, streamName, subjectName } from "./topology.js";

export class NatsParkedStore implements ParkedStore {
  readonly #link: Link;
  readonly #namespace: string | undefined;
  readonly #stream: string;
  readonly #counter: ParkedCounter;

  constructor(link: Link, namespace: string | undefined, counter: ParkedCounter) {
    this.#link = link;
    this.#counter = counter;
    this.#namespace = namespace;
    this.#stream = streamName("PARKED", namespace);
  }

  async *entries(fromSequence = 1): AsyncGenerator<ParkedEntry, void, undefined> {
    const info = await findStream(this.#link.jsm, this.#stream);
    if (info === undefined) {
      throw new UserError(
        `NAMESPACE="${this.#namespace ?? ""}": there is no stream ${this.#stream} on this server; an engine makes it`,
      );
    }
    const messages = this.#messages(fromSequence, info.state.last_seq);
    yield* entriesOf(messages, `${this.#stream}-${info.created}`);
  }

  async remove(entry: ParkedEntry): Promise<void> {
    await this.#counter.keep();
    for (const sequence of entry.sequences) await removeMessage(this.#link.jsm, this.#stream, sequence);
  }

  async *#messages(fromSequence: number, toSequence: number): AsyncGenerator<ParkedMessage, void, undefined> {
    const { jsm } = this.#link;
    const ofResults = subjectName("parked.results", this.#namespace);
    for await (const message of readStretch(this.#link, { stream: this.#stream, fromSequence, toSequence })) {
      const { seq: sequence, subject, data, info } = message;
      const storedAtMs = info.timestampNanos / 1e6;
      if (isAdvisory(subject)) {
        // No engine has put the original in its place yet.
        const item = await itemOfAdvisory(jsm, subject, data);
        if (item === undefined) continue;
        yield {
          sequence,
          storedAtMs,
          topic: item.topic,
          payload: item.payload,
          headers: { ...headersOf(item), ...item.trace },
        };
        continue;
      }
      const topic = subject === ofResults ? "results" : "data";
      yield { sequence, storedAtMs, topic, payload: data, headers: toRecord(message.headers) };
    }
  }
}
