/** Headers as bytes and back, without the library's objects in between. */
import type { MsgHdrs } from "nats";
import { EngineError } from "../errors.js";

/**
 * The header block of a message we publish.
 *
 * @throws EngineError `stop` when a name or value has a line end in it: a fault of the program
 */
export function encodeHeaders(
  messageId: string,
  expectedStream: string,
  headers: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  // The expected stream keeps a subject that someone bound elsewhere from swallowing messages.
  let block = `NATS/1.0\r\n${line("Nats-Msg-Id", messageId)}${line("Nats-Expected-Stream", expectedStream)}`;
  for (const name in headers) block += line(name, headers[name] ?? "");
  return Buffer.from(`${block}\r\n`);
}

function line(name: string, value: string): string {
  if (/[\r\n:]/.test(name) || /[\r\n]/.test(value)) {
    throw new EngineError(
      "bad_header",
      "stop",
      `header ${JSON.stringify(name)} cannot be ${JSON.stringify(value)}`,
    );
  }
  return `${name}: ${value}\r\n`;
}

/** Headers of a delivered message; of a repeated name the first value. */
export function toRecord(headers: MsgHdrs | undefined): Readonly<Record<string, string>> {
  const record: Record<string, string> = {};
  if (headers === undefined) return record;
  for (const name of headers.keys()) record[name] = headers.get(name);
  return record;
}
