/** How many records or results a message has: one rule for whoever counts, so that accounts agree. */
import { HEADER } from "../messaging.js";
import { findEntries } from "./entries.js";
import { WireReader } from "./wire-reader.js";

/** What the publisher of a message says; undefined for other clients, who need not. */
export function statedRecords(headers: Readonly<Record<string, string>>): number | undefined {
  const said = headers[HEADER.records] ?? "";
  return /^\d{1,9}$/.test(said) ? Number(said) : undefined;
}

/** Entries of a frame; 1 for bytes that are none, as they are parked as one. */
export function countEntries(payload: Uint8Array): number {
  try {
    return findEntries(new WireReader(payload), true, "frame").starts.length;
  } catch {
    return 1;
  }
}

/** A single is one, whatever its headers say. */
export function recordsOf(message: {
  readonly isFrame: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}): number {
  if (!message.isFrame) return 1;
  return statedRecords(message.headers) ?? countEntries(message.payload);
}
