/** Entries as people and programs read them. */
import { isUtf8 } from "node:buffer";
import type { PlainRow } from "../shared/codec/plain-rows.js";
import type { ParkedEntry } from "../shared/parked-store.js";
import { traceIdOf } from "../shared/trace/trace-context.js";
import { idsOf, rowsOf } from "./parked-contents.js";

/** IDs named on a line; the rest is counted. */
const IDS_ON_LINE = 3;
const BYTES_ON_LINE = 16;

/** Heads of the columns of {@link listLine}. */
export const LIST_HEAD = lineOf("SEQ", "PARKED AT", "TOPIC", "REASON", "ID", "ENGINE", "ERROR");

/** One entry on one line. */
export function listLine(entry: ParkedEntry): string {
  const { sequence, topic, reason, engine, error } = entry;
  const [firstLine = ""] = error.split("\n", 1);
  const at = new Date(entry.parkedAtMs).toISOString();
  return lineOf(String(sequence), at, topic, reason, idText(idsOf(entry)), engine || "-", firstLine);
}

/** One entry as one line of JSON, with its IDs. */
export function listJson(entry: ParkedEntry): string {
  return `${JSON.stringify({ ...factsOf(entry), ids: idsOf(entry).map(String) })}\n`;
}

/** Everything there is of an entry. */
export function showText(entry: ParkedEntry): string {
  const { origin, error } = entry;
  const facts = Object.entries({
    sequence: String(entry.sequence),
    "parked at": new Date(entry.parkedAtMs).toISOString(),
    topic: entry.topic,
    subject: entry.subject ?? "none: it was never a message, or is gone",
    reason: entry.reason,
    engine: entry.engine || "-",
    "came from": origin === undefined ? "-" : `${origin.stream} ${String(origin.sequence)}`,
    deliveries: origin === undefined ? "-" : String(origin.deliveries),
    trace: entry.trace === undefined ? "-" : traceIdOf(entry.trace),
    records: String(entry.records),
    bytes: `${String(entry.payload.length)}${entry.isWhole ? "" : ", and the other half is missing"}`,
    error: error.replaceAll("\n", "\n            "),
  });
  const lines = facts.map(([name, value]) => `${name.padEnd(12)}${printable(value)}\n`).join("");
  return `${lines}\n${contentsText(entry)}`;
}

/** Everything there is of an entry as one line of JSON; `payload` is base64. */
export function showJson(entry: ParkedEntry): string {
  const rows = rowsOf(entry) ?? null;
  const payload = Buffer.from(entry.payload).toString("base64");
  return `${JSON.stringify({ ...factsOf(entry), rows, payload })}\n`;
}

/** What is known of an entry beside its bytes, for JSON. */
export function factsOf(entry: ParkedEntry) {
  const { sequence, topic, subject, reason, error, engine, records, origin, trace, isWhole } = entry;
  const parkedAt = new Date(entry.parkedAtMs).toISOString();
  return {
    sequence,
    parkedAt,
    topic,
    subject: subject ?? null,
    reason,
    error,
    engine,
    records,
    origin: origin ?? null,
    traceId: trace === undefined ? null : traceIdOf(trace),
    isWhole,
  };
}

function lineOf(...cells: [string, string, string, string, string, string, string]): string {
  const widths = [6, 24, 7, 16, 22, 24, 0];
  return `${cells.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0)).join("  ")}\n`;
}

function idText(ids: readonly bigint[]): string {
  if (ids.length === 0) return "-";
  const more = ids.length > IDS_ON_LINE ? ` +${String(ids.length - IDS_ON_LINE)}` : "";
  return ids.slice(0, IDS_ON_LINE).map(String).join(",") + more;
}

function contentsText(entry: ParkedEntry): string {
  const rows = rowsOf(entry);
  if (rows !== undefined) return rows.map(rowText).join("");
  const wasText = entry.subject === undefined && entry.origin === undefined && isUtf8(entry.payload);
  return wasText ? `${printable(Buffer.from(entry.payload).toString())}\n` : hexDump(entry.payload);
}

function rowText(row: PlainRow): string {
  const cells = Object.entries(row).map(([name, value]) => {
    return `${name}=${name === "Meta" ? JSON.stringify(value) : value}`;
  });
  return `${printable(cells.join("  "))}\n`;
}

/** As `hexdump -C`. */
export function hexDump(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BYTES_ON_LINE) {
    const line = Buffer.from(bytes.subarray(start, start + BYTES_ON_LINE));
    const hex = (line.toString("hex").match(/../g) ?? []).join(" ");
    const ascii = line.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
    text += `${start.toString(16).padStart(8, "0")}  ${hex.padEnd(BYTES_ON_LINE * 3 - 1)}  |${ascii}|\n`;
  }
  return text;
}

/** What came from outside must not steer the terminal: control characters but line ends are spelled out. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    if (character === "\n") return character;
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}
