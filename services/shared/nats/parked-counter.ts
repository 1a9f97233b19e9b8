/** How many records were ever parked, also those that were replayed or dropped since. */
import type { ParkedCounts, ParkedLook } from "../streams-look.js";
import type { Notes } from "../notes.js";
import { NOTHING_PARKED, addParked } from "../parked-count.js";
import { toRecord } from "./headers.js";
import type { Link } from "./link.js";
import { readStretch } from "./stream-reader.js";
import { streamName, subjectName } from "./topology.js";

/** The note `count.PARKED`. */
interface ParkedNote extends ParkedCounts {
  readonly createdAt: string;
  readonly upTo: number;
}

const KEY = "count.PARKED";

/** Reads the headers of each parked message once. Whoever removes one calls {@link keep} before. */
export class ParkedCounter {
  readonly #link: Link;
  readonly #notes: Notes;
  readonly #stream: string;
  readonly #filter: string;
  #counted: ParkedNote | undefined;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(link: Link, notes: Notes, namespace: string | undefined) {
    this.#link = link;
    this.#notes = notes;
    this.#stream = streamName("PARKED", namespace);
    this.#filter = subjectName("parked.data", namespace).replace(/data$/, "*");
    // A server that was killed may give the last sequences to other messages.
    link.listen({ reconnected: () => void this.#alone(() => Promise.resolve((this.#counted = undefined))) });
  }

  look(): Promise<ParkedLook> {
    return this.#alone(async () => {
      const { counted, keptMessages } = await this.#count();
      const { fromData, fromResults, rows, reasons } = counted;
      return { fromData, fromResults, rows, reasons, keptMessages };
    });
  }

  /** Notes what there is, so that any of it may be removed. */
  keep(): Promise<void> {
    return this.#alone(async () => {
      for (;;) {
        const note = await this.#notes.read(KEY);
        const { counted } = await this.#count();
        const noted = note?.value as ParkedNote | undefined;
        if (noted?.createdAt === counted.createdAt && noted.upTo >= counted.upTo) return;
        if (await this.#notes.write(KEY, counted, note?.revision ?? 0)) return;
      }
    });
  }

  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  async #count(): Promise<{ readonly counted: ParkedNote; readonly keptMessages: number }> {
    for (;;) {
      const { created, state } = await this.#link.jsm.streams.info(this.#stream);
      const note = await this.#notes.read(KEY);
      const noted = note?.value as ParkedNote | undefined;
      let counted = this.#counted;
      // Somebody noted more than was counted here, and may have removed it since.
      if (noted?.createdAt === created && noted.upTo > (counted?.upTo ?? 0)) counted = noted;
      if (counted?.createdAt !== created) counted = { createdAt: created, upTo: 0, ...NOTHING_PARKED };
      if (counted.upTo < state.last_seq) {
        counted = await this.#read(counted, state.last_seq);
        // What somebody noted and removed meanwhile may not have been read.
        if ((await this.#notes.read(KEY))?.revision !== note?.revision) continue;
      }
      this.#counted = counted;
      return { counted, keptMessages: state.messages };
    }
  }

  async #read(from: ParkedNote, toSequence: number): Promise<ParkedNote> {
    const { createdAt, upTo, ...before } = from;
    let counts: ParkedCounts = before;
    const stretch = { stream: this.#stream, filter: this.#filter, headersOnly: true, toSequence };
    for await (const { subject, headers } of readStretch(this.#link, {
      ...stretch,
      fromSequence: upTo + 1,
    })) {
      counts = addParked(counts, { subject, headers: toRecord(headers) });
    }
    return { ...counts, createdAt, upTo: toSequence };
  }
}
