/**
 * Messages as the server reads them, past the library's own way there: that one allocates memory outside of the
 * heap for each line of the protocol, which costs more than all else about a small message.
 */
import { ErrorCode, NatsError } from "nats";
import type { NatsConnection } from "nats";

/** A message on its way to the server. */
export interface WireMessage {
  readonly subject: string;
  readonly reply: string;
  /** A whole block of headers, as `headerBlock` makes it. */
  readonly headers: string;
  readonly payload: Uint8Array;
}

/** What lies under a connection; its type does not say so. */
type Wired = NatsConnection & {
  readonly protocol: { sendCommand(command: Uint8Array, ...more: readonly Uint8Array[]): void };
};

const LINE_END = Buffer.from("\r\n");

/** @throws NatsError when the connection is closed, or the message larger than its server takes */
export function sendMessage(nc: NatsConnection, { subject, reply, headers, payload }: WireMessage): void {
  if (nc.isClosed()) throw NatsError.errorForCode(ErrorCode.ConnectionClosed);
  const headerBytes = Buffer.byteLength(headers);
  const bytes = headerBytes + payload.length;
  if (bytes > (nc.info?.max_payload ?? bytes)) throw NatsError.errorForCode(ErrorCode.MaxPayloadExceeded);
  const head = `HPUB ${subject} ${reply} ${String(headerBytes)} ${String(bytes)}\r\n${headers}`;
  (nc as Wired).protocol.sendCommand(Buffer.from(head), payload, LINE_END);
}

/** Sends a short text without headers. @throws NatsError when the connection is closed */
export function sendText(nc: NatsConnection, subject: string, text: string): void {
  if (nc.isClosed()) throw NatsError.errorForCode(ErrorCode.ConnectionClosed);
  const command = `PUB ${subject} ${String(Buffer.byteLength(text))}\r\n${text}\r\n`;
  (nc as Wired).protocol.sendCommand(Buffer.from(command));
}
