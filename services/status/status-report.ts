/** What `crunch status` found, as JSON and for people. */
import type { EngineNote } from "../shared/engine-note.js";
import type { Ledger } from "../shared/ledger.js";
import type { StageLook, StreamsLook } from "../shared/streams-look.js";
import type { Rates } from "../shared/ledger-rates.js";

/** An engine that has said nothing for longer is missing, in milliseconds: three of its notes. */
const MISSING_AFTER_MS = 15_000;

/** What the report is made from. */
export interface StatusLook {
  readonly streams: StreamsLook;
  readonly ledger: Ledger;
  readonly rates: Rates;
  /** Undefined while nothing moves. */
  readonly drainSeconds: number | undefined;
  readonly room: Readonly<Record<"data" | "results", StreamRoom>>;
  /** Of the newest result; undefined while RESULTS keeps none. */
  readonly crunchSeconds: number | undefined;
  /** Records that are parked now, by reason. */
  readonly parkedNow: ReadonlyMap<string, number>;
  readonly engines: readonly EngineNote[];
  readonly nowMs: number;
}

/** How full a stream is. */
interface StreamRoom {
  readonly bytes: number;
  readonly maxBytes: number;
}

export interface StageStatus {
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly pendingMessages: number;
  readonly unackedMessages: number;
  readonly oldestUnackedSeconds: number;
  /** What the stream keeps, finished messages included, and what it may keep. */
  readonly streamBytes: number;
  readonly streamMaxBytes: number;
}

/** What `--json` prints. */
export interface Status extends Ledger {
  readonly storedPerSecond: number;
  /** null while nothing moves. */
  readonly drainSeconds: number | null;
  /** From DTimeStamp to ProcessTime of the newest result; null while RESULTS keeps none. */
  readonly newestCrunchSeconds: number | null;
  readonly data: StageStatus;
  readonly results: StageStatus;
  readonly parkedNow: Readonly<Record<string, number>>;
  readonly engines: readonly (EngineNote & { readonly state: "running" | "missing" })[];
}

export function statusOf(look: StatusLook): Status {
  const { streams, ledger, rates, room, nowMs } = look;
  return {
    ...ledger,
    storedPerSecond: Math.round(rates.stored),
    drainSeconds: look.drainSeconds === undefined ? null : Math.round(look.drainSeconds * 10) / 10,
    newestCrunchSeconds:
      look.crunchSeconds === undefined ? null : Math.round(look.crunchSeconds * 1_000) / 1_000,
    data: stageStatus(streams.data, rates.published, room.data, nowMs),
    results: stageStatus(streams.results, rates.crunched, room.results, nowMs),
    parkedNow: Object.fromEntries([...look.parkedNow].sort(([a], [b]) => a.localeCompare(b))),
    engines: [...look.engines]
      .sort((a, b) => a.service.localeCompare(b.service) || a.startedAtMs - b.startedAtMs)
      .map((engine) => ({
        ...engine,
        state: nowMs - engine.atMs > MISSING_AFTER_MS ? "missing" : "running",
      })),
  };
}

function stageStatus(stage: StageLook, rate: number, room: StreamRoom, nowMs: number): StageStatus {
  const { records, pendingMessages, unackedMessages, oldestUnfinishedAtMs } = stage;
  const ageMs = oldestUnfinishedAtMs === undefined ? 0 : Math.max(0, nowMs - oldestUnfinishedAtMs);
  return {
    records,
    recordsPerSecond: Math.round(rate),
    pendingMessages,
    unackedMessages,
    oldestUnackedSeconds: Math.round(ageMs / 100) / 10,
    streamBytes: room.bytes,
    streamMaxBytes: room.maxBytes,
  };
}

/** Lines for people, without a last line end. */
export function statusText(status: Status, nowMs: number): string {
  return [...ledgerLines(status), "", ...stageLines(status), "", ...engineLines(status, nowMs)].join("\n");
}

/** One line, for logs and pipes. */
export function statusLine(status: Status): string {
  const { published, crunched, stored, outstanding, parked, unaccounted, storedPerSecond } = status;
  return (
    `${count(published)} published, ${count(crunched)} crunched, ${count(stored)} stored, ` +
    `${count(parked)} parked, ${count(outstanding)} outstanding, ${count(unaccounted)} unaccounted, ` +
    `${count(storedPerSecond)} records/s`
  );
}

function ledgerLines(status: Status): string[] {
  const figures = ["published", "stored", "repeats", "parked", "outstanding", "late", "unaccounted"] as const;
  const width = Math.max(...figures.map((name) => count(status[name]).length));
  const byReason = Object.entries(status.parkedNow).map(([reason, records]) => `${reason} ${count(records)}`);
  const drain =
    status.drainSeconds === null ? "nothing moves" : `${count(Math.ceil(status.drainSeconds))} s to drain`;
  const notes: Partial<Record<(typeof figures)[number], string>> = {
    stored: `${count(status.storedPerSecond)} records/s`,
    parked: byReason.length === 0 ? "" : `now ${byReason.join(", ")}`,
    outstanding: status.outstanding === 0 ? "" : drain,
    unaccounted: status.unaccounted === 0 ? "" : "LOST: neither stored nor parked nor under way",
  };
  return figures.map((name) => {
    const line = `  ${name.padEnd(12)} ${count(status[name]).padStart(width)}`;
    const note = notes[name] ?? "";
    return note === "" ? line : `${line}   ${note}`;
  });
}

function stageLines({ data, results }: Status): string[] {
  const head = ["stage", "records", "records/s", "waiting", "in hand", "oldest", "full"];
  const row = (name: string, stage: StageStatus): string[] => [
    name,
    count(stage.records),
    count(stage.recordsPerSecond),
    count(stage.pendingMessages),
    count(stage.unackedMessages),
    `${stage.oldestUnackedSeconds.toFixed(1)} s`,
    fullness(stage),
  ];
  return table([head, row("data", data), row("results", results)]);
}

/** A stream without a limit, as others may make one, is never full. */
function fullness({ streamBytes, streamMaxBytes }: StageStatus): string {
  return streamMaxBytes > 0 ? `${String(Math.round((100 * streamBytes) / streamMaxBytes))} %` : "-";
}

function engineLines({ engines }: Status, nowMs: number): string[] {
  if (engines.length === 0) return ["  no engine has shown itself"];
  const head = ["engine", "state", "version", "where", "up", "about"];
  const rows = engines.map((engine) => [
    engine.service,
    engine.state === "running"
      ? "running"
      : `missing for ${String(Math.round((nowMs - engine.atMs) / 1_000))} s`,
    engine.version,
    `${engine.host} ${String(engine.pid)}`,
    `${String(Math.round((engine.atMs - engine.startedAtMs) / 1_000))} s`,
    engine.about,
  ]);
  return table([head, ...rows]);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}

function count(value: number): string {
  return value.toLocaleString("en");
}
