/** Which entries a command is about: from the words of the command line to yes or no. */
import { UserError } from "../shared/errors.js";
import type { Topic } from "../shared/messaging.js";
import type { ParkedEntry } from "../shared/parked-store.js";
import { idsOf } from "./parked-contents.js";

/** As typed. Everything given must hold; of a list, one is enough. */
export interface FilterWords {
  readonly sequences?: readonly string[];
  readonly reason?: readonly string[];
  readonly id?: readonly string[];
  readonly topic?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

export interface ParkedFilter {
  /** Empty: any. */
  readonly sequences: ReadonlySet<number>;
  readonly reasons: ReadonlySet<string>;
  readonly ids: ReadonlySet<bigint>;
  readonly topic: Topic | undefined;
  /** Milliseconds since the epoch, inclusive. */
  readonly sinceMs: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly untilMs: number;
  /** Entries at most. */
  readonly limit: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_INT64 = 2n ** 63n - 1n;
const RFC_3339 = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$/;

/**
 * @param nowMs what `10m` counts back from
 * @throws UserError that lists every problem, each with the option, its value and its limit
 */
export function parseFilter(words: FilterWords, nowMs: number): ParkedFilter {
  const problems: string[] = [];
  const sequences = (words.sequences ?? []).map((text) => {
    return wholeNumber("SEQ", text, problems);
  });
  const ids = (words.id ?? []).map((text) => int64(text, problems));
  const { topic } = words;
  if (topic !== undefined && topic !== "data" && topic !== "results") {
    problems.push(`--topic="${topic}": must be data or results`);
  }
  const sinceMs = words.since === undefined ? -Infinity : time("--since", words.since, nowMs, problems);
  const untilMs = words.until === undefined ? Infinity : time("--until", words.until, nowMs, problems);
  if (sinceMs > untilMs) {
    problems.push(`--since="${words.since ?? ""}": must not be after --until="${words.until ?? ""}"`);
  }
  const limit = words.limit === undefined ? Infinity : wholeNumber("--limit", words.limit, problems);
  if (problems.length > 0) throw new UserError(problems);
  return {
    sequences: new Set(sequences),
    reasons: new Set(words.reason),
    ids: new Set(ids),
    topic: topic as Topic | undefined,
    sinceMs,
    untilMs,
    limit,
  };
}

/** True if it is about everything there is. */
export function isUnfiltered({ sequences, reasons, ids, topic, sinceMs, untilMs }: ParkedFilter): boolean {
  const listed = sequences.size + reasons.size + ids.size;
  return listed === 0 && topic === undefined && sinceMs === -Infinity && untilMs === Infinity;
}

/** The limit is the caller's to keep. */
export function matches(filter: ParkedFilter, entry: ParkedEntry): boolean {
  const { sequences, reasons, ids, topic, sinceMs, untilMs } = filter;
  if (sequences.size > 0 && !sequences.has(entry.sequence)) return false;
  if (reasons.size > 0 && !reasons.has(entry.reason)) return false;
  if (topic !== undefined && topic !== entry.topic) return false;
  if (entry.parkedAtMs < sinceMs || entry.parkedAtMs > untilMs) return false;
  // Last, as it decodes.
  return ids.size === 0 || idsOf(entry).some((id) => ids.has(id));
}

function wholeNumber(name: string, text: string, problems: string[]): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (value < 1) problems.push(`${name}="${text}": must be a whole number from 1`);
  return value;
}

function int64(text: string, problems: string[]): bigint {
  const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value >= -MAX_INT64 - 1n && value <= MAX_INT64) return value;
  problems.push(`--id="${text}": must be a whole number from -2^63 to 2^63 - 1`);
  return 0n;
}

function time(name: string, text: string, nowMs: number, problems: string[]): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs !== undefined) return nowMs - Number(count) * unitMs;
  const ms = RFC_3339.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return ms;
  problems.push(
    `${name}="${text}": must be a time like 2026-01-31T08:00:00Z, or how long ago like 90s, 10m, 2h or 3d`,
  );
  return nowMs;
}
