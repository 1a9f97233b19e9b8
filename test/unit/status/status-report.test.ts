import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EngineNote } from "../../../services/shared/engine-note.js";
import { statusOf } from "../../../services/status/status-report.js";
import type { StatusLook } from "../../../services/status/status-report.js";

const NOW_MS = 1_000_000;

function noteOf(service: string, startedAtMs: number, atMs: number): EngineNote {
  return { engineId: "e", service, version: "1", host: "h", pid: 1, about: "", startedAtMs, atMs };
}

function enginesOf(notes: readonly EngineNote[]): string[] {
  const stage = { records: 0, settledRecords: 0, pendingMessages: 0, unackedMessages: 0 };
  const look = {
    streams: { data: stage, results: stage },
    ledger: {},
    rates: { published: 0, crunched: 0, stored: 0 },
    room: { data: { bytes: 0, maxBytes: 1 }, results: { bytes: 0, maxBytes: 1 } },
    parkedNow: new Map(),
    engines: notes,
    nowMs: NOW_MS,
  } as unknown as StatusLook;
  return statusOf(look).engines.map(
    ({ service, startedAtMs, state }) => `${service} ${String(startedAtMs)} ${state}`,
  );
}

describe("the engines of a status", () => {
  it("are running for three of their notes after the last one, and missing then", () => {
    assert.deepEqual(enginesOf([noteOf("data-engine", 1, NOW_MS - 15_000)]), ["data-engine 1 running"]);
    assert.deepEqual(enginesOf([noteOf("data-engine", 1, NOW_MS - 15_001)]), ["data-engine 1 missing"]);
  });

  it("stand by service, the oldest first", () => {
    const notes = [
      noteOf("results-engine", 1, NOW_MS),
      noteOf("data-engine", 3, NOW_MS),
      noteOf("data-engine", 2, 0),
    ];
    assert.deepEqual(enginesOf(notes), [
      "data-engine 2 missing",
      "data-engine 3 running",
      "results-engine 1 running",
    ]);
  });
});
