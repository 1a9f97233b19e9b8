import type { MessageOrigin, Subject, Topic } from "./messaging.js";
import type { TraceContext } from "./trace/trace-context.js";

/** Where records and results travel. */
export type OpenSubject = Exclude<Subject, `parked.${Topic}`>;

/** What is parked: a whole message, a record, a result or a row. */
export interface ParkedItem {
  readonly topic: Topic;
  /** The original bytes: a whole message, or one record or result as a single. */
  readonly payload: Uint8Array;
  /** What the bytes can be published on again; absent when they never were a message: a row of a file. */
  readonly subject?: OpenSubject;
  /** Records in a whole frame, as its publisher said. Default 1. */
  readonly records?: number | undefined;
  /** Short and stable, for filters and metrics: `cruncher_threw`, `undecodable`, ... */
  readonly reason: string;
  /** For people: the message and stack, or the value and the limit. */
  readonly error: string;
  /** Identity of what is parked, so that parking it twice keeps it once. */
  readonly id: string;
  readonly origin?: MessageOrigin;
  /** The trace that the original belongs to. It is kept, and goes on when the item is replayed. */
  readonly trace?: TraceContext | undefined;
}
