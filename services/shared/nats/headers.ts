/** Headers as text and back, without the library's objects in between. */
import type { Msg, MsgHdrs } from "nats";
import { EngineError } from "../errors.js";

/**
 * The header block of a message we publish.
 *
 * @throws EngineError `stop` when a name or value has a line end in it: a fault of the program
 */
export function headerBlock(
  messageId: string,
  expectedStream: string,
  headers: Readonly<Record<string, string>> | undefined,
): string {
  // The expected stream keeps a subject that someone bound elsewhere from swallowing messages.
  let block = `NATS/1.0\r\n${line("Nats-Msg-Id", messageId)}${line("Nats-Expected-Stream", expectedStream)}`;
  for (const name in headers) block += line(name, headers[name] ?? "");
  return `${block}\r\n`;
}

// Made once: an expression inside a function is another object at each call, and each message has some lines.
const UNFIT_NAME = /[\r\n:]/;
const UNFIT_VALUE = /[\r\n]/;

function line(name: string, value: string): string {
  if (UNFIT_NAME.test(name) || UNFIT_VALUE.test(value)) {
    throw new EngineError(
      "bad_header",
      "stop",
      `header ${JSON.stringify(name)} cannot be ${JSON.stringify(value)}`,
    );
  }
  return `${name}: ${value}\r\n`;
}

/** The library's messages know their bytes, subject, reply and headers included; their type does not say so. */
type SizedMsg = Msg & { size?(): number };

/** Names are written as `traceparent`, `Traceparent` or, by nobody that we know, `TRACEPARENT`. */
const TRACE_NAMES = [Buffer.from("raceparent"), Buffer.from("RACEPARENT")];

/**
 * False if the headers of a delivered message name no trace. The library's reading of a few headers takes
 * 3 us, a thirtieth of what a single costs its crunch-engine in all; looking at their bytes, which lie before
 * those of the payload, takes a quarter of that.
 */
export function mayNameTrace(message: SizedMsg): boolean {
  const { data, subject, reply } = message;
  const wholeBytes = message.size?.();
  if (wholeBytes === undefined) return true;
  const headBytes = wholeBytes - data.length - subject.length - (reply?.length ?? 0);
  if (headBytes <= 0) return false;
  if (headBytes > data.byteOffset) return true;
  const head = Buffer.from(data.buffer, data.byteOffset - headBytes, headBytes);
  return TRACE_NAMES.some((name) => head.includes(name));
}

/** Headers of a delivered message; of a repeated name the first value. */
export function toRecord(headers: MsgHdrs | undefined): Readonly<Record<string, string>> {
  const record: Record<string, string> = {};
  if (headers === undefined) return record;
  for (const name of headers.keys()) record[name] = headers.get(name);
  return record;
}
