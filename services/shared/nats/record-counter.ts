/** How many records a stream ever stored, also in messages that were trimmed. */
import { countEntries, statedRecords } from "../codec/entry-count.js";
import type { Topic } from "../messaging.js";
import type { Notes } from "../notes.js";
import { RecordTally } from "../record-tally.js";
import type { CountedPart } from "../record-tally.js";
import { toRecord } from "./headers.js";
import type { Link } from "./link.js";
import { readStretch } from "./stream-reader.js";
import { streamKindOf, streamName, subjectName } from "./topology.js";

/** Frames that are fetched at once to count their records: with the largest allowed payload 64 MiB. */
const ASKS_IN_FLIGHT = 64;

/** The note of a stream: `count.DATA`. */
interface CountNote extends CountedPart {
  readonly createdAt: string;
}

/**
 * Reads the headers of frames, each once; every other message is one record, so that nothing is read of
 * singles. What lies below a trimmed message is in a note, which whoever trims writes before.
 */
export class RecordCounter {
  readonly #link: Link;
  readonly #notes: Notes;
  readonly #stream: string;
  readonly #frameSubject: string;
  readonly #key: string;
  /** Of the stream that was created at `#createdAt`. */
  #tally: RecordTally | undefined;
  #createdAt = "";
  #busy: Promise<unknown> = Promise.resolve();

  constructor(link: Link, notes: Notes, topic: Topic, namespace: string | undefined) {
    this.#link = link;
    this.#notes = notes;
    this.#stream = streamName(streamKindOf(topic), namespace);
    this.#frameSubject = subjectName(`${topic}.frame`, namespace);
    this.#key = `count.${streamKindOf(topic)}`;
    // A server that was killed may give the last sequences to other messages.
    link.listen({ reconnected: () => void this.#alone(() => Promise.resolve((this.#tally = undefined))) });
  }

  /**
   * Records in messages up to an ack floor; after a trim by somebody else, up to a later one.
   *
   * @param floor that nothing below will be asked for again
   */
  atFloor(floor: number): Promise<number> {
    return this.#alone(async () => {
      const tally = await this.#count(() => floor);
      const records = tally.at(floor);
      tally.fold(floor);
      return records;
    });
  }

  /** Records in all messages. */
  newest(): Promise<number> {
    return this.#alone(async () => {
      const tally = await this.#count((lastSequence) => lastSequence);
      return tally.at(tally.countedTo);
    });
  }

  /** Notes the count up to a sequence, or further, so that the messages may be removed. */
  keep(upTo: number): Promise<void> {
    return this.#alone(async () => {
      for (;;) {
        const note = await this.#notes.read(this.#key);
        const tally = await this.#count(() => upTo);
        const noted = note?.value as CountNote | undefined;
        if (noted?.createdAt === this.#createdAt && noted.upTo >= upTo) return;
        // What was folded already cannot be told apart, and need not be.
        const end = Math.max(upTo, tally.base.upTo);
        const value: CountNote = { createdAt: this.#createdAt, upTo: end, records: tally.at(end) };
        if (await this.#notes.write(this.#key, value, note?.revision ?? 0)) return;
      }
    });
  }

  /** One after the other: looks and trimming share what was read. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  /** @param wanted sequence up to which to count, of a stream whose newest message has the given one */
  async #count(wanted: (lastSequence: number) => number): Promise<RecordTally> {
    for (;;) {
      const { created, state } = await this.#link.jsm.streams.info(this.#stream);
      const tally = await this.#tallyOf(created, state.first_seq);
      const fromSequence = tally.countedTo + 1;
      const toSequence = Math.min(wanted(state.last_seq), state.last_seq);
      if (fromSequence > toSequence) return tally;
      const frames = await this.#readFrames(fromSequence, toSequence);
      // What was trimmed meanwhile may not have been read, and is in the note by now.
      const after = await this.#link.jsm.streams.info(this.#stream);
      if (after.created !== created || after.state.first_seq > fromSequence) continue;
      tally.append(frames, toSequence);
      return tally;
    }
  }

  /**
   * Starts from the note where messages are gone that were not counted here. It is read after the stream
   * said that they are gone, so they are in it.
   */
  async #tallyOf(createdAt: string, firstSequence: number): Promise<RecordTally> {
    const known = this.#createdAt === createdAt ? this.#tally : undefined;
    if (known !== undefined && firstSequence <= known.countedTo + 1) return known;
    const noted = (await this.#notes.read(this.#key))?.value as CountNote | undefined;
    const { upTo, records } = noted?.createdAt === createdAt ? noted : { upTo: 0, records: 0 };
    // What somebody removed without a note cannot be counted any more.
    this.#tally = new RecordTally({ upTo: Math.max(upTo, firstSequence - 1), records });
    this.#createdAt = createdAt;
    return this.#tally;
  }

  async #readFrames(
    fromSequence: number,
    toSequence: number,
  ): Promise<{ readonly sequence: number; readonly records: number }[]> {
    const frames: { sequence: number; records: number }[] = [];
    const unstated: { sequence: number; records: number }[] = [];
    const stretch = { stream: this.#stream, filter: this.#frameSubject, headersOnly: true };
    for await (const { seq: sequence, headers } of readStretch(this.#link, {
      ...stretch,
      fromSequence,
      toSequence,
    })) {
      const records = statedRecords(toRecord(headers));
      const frame = { sequence, records: records ?? 0 };
      frames.push(frame);
      if (records === undefined) unstated.push(frame);
    }
    // Many at once: one after the other, a distant engine would never catch up with a busy client.
    const waiting = unstated.values();
    const lane = async (): Promise<void> => {
      for (const frame of waiting) frame.records = await this.#ask(frame.sequence);
    };
    await Promise.all(Array.from({ length: Math.min(ASKS_IN_FLIGHT, unstated.length) }, lane));
    return frames;
  }

  /** The frame of another client does not say how many records it has. */
  async #ask(seq: number): Promise<number> {
    const { data } = await this.#link.jsm.streams.getMessage(this.#stream, { seq });
    return countEntries(data);
  }
}
