/** Headers as text and back, without the library's objects in between. */
import { MsgHdrsImpl } from "nats";
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
  for (const name in headers) {
    if (UNFIT_NAME.test(name)) throw badHeader(name, headers[name]);
    block += line(name, headers[name] ?? "");
  }
  return `${block}\r\n`;
}

// Made once: an expression inside a function is another object at each call, and each message has some lines.
const UNFIT_NAME = /[\r\n:]/;
const UNFIT_VALUE = /[\r\n]/;

function line(name: string, value: string): string {
  if (UNFIT_VALUE.test(value)) throw badHeader(name, value);
  return `${name}: ${value}\r\n`;
}

function badHeader(name: string, value: string | undefined): EngineError {
  return new EngineError(
    "bad_header",
    "stop",
    `header ${JSON.stringify(name)} cannot be ${JSON.stringify(value)}`,
  );
}

/** The library's messages know their bytes, subject, reply and headers included; their type does not say so. */
type SizedMsg = Msg & { size(): number };

/** Length of the header block of a delivered message, which lies before its payload; 0 if it has none. */
export function headerBytesOf(message: Msg, payload: Uint8Array): number {
  const { subject, reply } = message;
  return (message as SizedMsg).size() - payload.length - subject.length - (reply?.length ?? 0);
}

/** Names are written as `traceparent`, `Traceparent` or, by nobody that we know, `TRACEPARENT`. */
const TRACE_NAMES = [Buffer.from("raceparent"), Buffer.from("RACEPARENT")];

/**
 * False if the headers before a payload name no trace. The library's reading of a few headers takes 3 us, a
 * thirtieth of what a single costs its crunch-engine in all; looking at their bytes takes a quarter of that.
 */
export function mayNameTrace(payload: Uint8Array, headerBytes: number): boolean {
  if (headerBytes === 0) return false;
  const head = headBefore(payload, headerBytes);
  return TRACE_NAMES.some((name) => head.includes(name));
}

/** Headers that lie before a payload. */
export function readHeaders(payload: Uint8Array, headerBytes: number): Readonly<Record<string, string>> {
  return toRecord(headerBytes === 0 ? undefined : MsgHdrsImpl.decode(headBefore(payload, headerBytes)));
}

function headBefore({ buffer, byteOffset }: Uint8Array, headerBytes: number): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset - headerBytes, headerBytes);
}

/** Headers of a delivered message; of a repeated name the first value. */
export function toRecord(headers: MsgHdrs | undefined): Readonly<Record<string, string>> {
  const record: Record<string, string> = {};
  if (headers === undefined) return record;
  for (const name of headers.keys()) record[name] = headers.get(name);
  return record;
}
