/**
 * Spans of the way of a message, from its source to its rows. Interface and the tracer that is off; what
 * records lives in `otlp/`.
 */
import type { Subject } from "../messaging.js";
import type { TraceContext } from "./trace-context.js";

/** Never a payload, a Meta or an error's text: those are the user's. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** What an engine does with a message: publish and park send it, crunch and store process it. */
export type Operation = "publish" | "park" | "crunch" | "store";

/** One step of a trace. */
export interface Span {
  /** To be handed on in the headers of what follows from this step; undefined outside of every trace. */
  readonly context: TraceContext | undefined;
  /** False for a step that nobody will see: its attributes need not be worked out. */
  readonly isRecorded: boolean;
  set(attributes: Attributes): void;
  /** Names another step that this one belongs with, beside its parent. */
  link(to: Span): void;
  /** Marks the step as failed, with the code of the failure. */
  fail(thrown: unknown): void;
  /** To be called once. */
  end(): void;
}

export interface Tracer {
  /** False if no step is ever recorded. */
  readonly isOn: boolean;
  /**
   * A step that handles a message.
   *
   * @param parent context from the headers of the message; undefined starts a trace, if the tracer is on
   */
  message(operation: Operation, subject: Subject, parent: TraceContext | undefined): Span;
  /** A step inside another one. */
  inside(name: string, parent: Span): Span;
  /** Sends what is recorded, for 2 s at most. */
  close(): Promise<void>;
}

/** A step that nobody sees, inside a trace that somebody else may record. */
class UnseenSpan implements Span {
  readonly isRecorded = false;
  readonly context: TraceContext | undefined;

  constructor(context: TraceContext | undefined) {
    this.context = context;
  }

  set(): void {
    // Nobody looks.
  }

  link(): void {
    // Nobody looks.
  }

  fail(): void {
    // Nobody looks.
  }

  end(): void {
    // Nobody looks.
  }
}

/** Outside of every trace. */
export const NO_SPAN: Span = new UnseenSpan(undefined);

/** Records nothing and makes no trace; hands on a trace that came from outside. */
export const NO_TRACER: Tracer = {
  isOn: false,
  message: (_operation, _subject, parent) => (parent === undefined ? NO_SPAN : new UnseenSpan(parent)),
  inside: (_name, parent) => parent,
  close: () => Promise.resolve(),
};

/** Runs a step to its end, and notes how it ended. A step that nobody sees costs nothing. */
export function during<Value>(span: Span, step: () => Promise<Value>): Promise<Value> {
  return span.isRecorded ? recorded(span, step) : step();
}

async function recorded<Value>(span: Span, step: () => Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (thrown) {
    span.fail(thrown);
    throw thrown;
  } finally {
    span.end();
  }
}
