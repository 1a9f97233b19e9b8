/**
 * Malformed settings and plug-in URIs through everything that reads them. Each ends as settings, or
 * as a UserError that names its setting, is short, and does nothing to the terminal it is shown on.
 */
import { messageOf, UserError } from "../../services/shared/errors.js";
import { malformedText, malformedUri } from "./malformed-texts.js";
import { Random } from "./random.js";
import { readersOf } from "./setting-readers.js";
import type { SettingReader } from "./setting-readers.js";

/** Longest time one reading may take, in milliseconds: what is slower blocks an engine's event loop. */
const MAX_READING_MS = 5_000;
/** A message for people; the settings and URIs among the input have up to millions of characters. */
const MAX_MESSAGE_CHARS = 20_000;
/** Failures of one kind that are kept. */
const KEPT_OF_A_KIND = 3;
const CONTROL = /[^\P{Cc}\n]/u;

export interface SettingTotals {
  settings: number;
  accepted: number;
  refused: number;
  slowestMs: number;
  /** By reader and what is wrong: the values. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
}

/** @param folder an empty folder, for files that are read and databases that are opened */
export async function fuzzSettings(count: number, seed: number, folder: string): Promise<SettingTotals> {
  const random = new Random(seed);
  const readers = readersOf(folder);
  const failures = new Map<string, string[]>();
  const totals = { settings: 0, accepted: 0, refused: 0, slowestMs: 0 };
  for (; totals.settings < count; totals.settings += 1) {
    const reader = pickReader(readers, random);
    const text = reader.isUri && random.oneIn(2) ? malformedUri(random) : malformedText(random);
    const startMs = performance.now();
    const outcome = await read(reader, text);
    const elapsedMs = performance.now() - startMs;
    totals.slowestMs = Math.max(totals.slowestMs, elapsedMs);
    if (outcome === undefined) totals.accepted += 1;
    else totals.refused += 1;
    const wrong = elapsedMs > MAX_READING_MS ? `took ${elapsedMs.toFixed(0)} ms` : wrongWith(outcome, reader);
    if (wrong === undefined) continue;
    const kind = `${reader.setting}: ${wrong}`;
    const kept = failures.get(kind) ?? [];
    if (kept.length < KEPT_OF_A_KIND) kept.push(JSON.stringify(text).slice(0, 300));
    failures.set(kind, kept);
  }
  return { ...totals, failures };
}

/** Those that open databases or start a process cost a thousand times what the others do. */
function pickReader(readers: readonly SettingReader[], random: Random): SettingReader {
  for (;;) {
    const reader = readers[random.below(readers.length)];
    if (reader !== undefined && random.oneIn(reader.seldom)) return reader;
  }
}

/** @returns what was thrown; undefined if the text was taken */
async function read(reader: SettingReader, text: string): Promise<unknown> {
  try {
    await reader.read(text);
    return undefined;
  } catch (thrown) {
    return thrown ?? new Error("nothing was thrown");
  }
}

/** What is wrong with how a text was refused; undefined if nothing is. */
function wrongWith(thrown: unknown, reader: SettingReader): string | undefined {
  if (thrown === undefined) return undefined;
  const message = messageOf(thrown);
  if (!(thrown instanceof UserError)) return `no UserError: ${message.slice(0, 200)}`;
  if (!message.includes(reader.setting)) return "the message does not name its setting";
  if (message.length > MAX_MESSAGE_CHARS) return "the message is too long";
  if (CONTROL.test(message)) return "the message holds control characters";
  return undefined;
}
