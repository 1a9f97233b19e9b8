import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matches, parseFilter } from "../../../services/parked/parked-filter.js";
import type { FilterWords } from "../../../services/parked/parked-filter.js";
import { checkIsMeant } from "../../../services/parked/selection.js";
import { encodeRecord } from "../../../services/shared/codec/record-codec.js";
import { UserError } from "../../../services/shared/errors.js";
import type { ParkedEntry } from "../../../services/shared/parked-store.js";
import { frameOf } from "../../support/jobs.js";
import { resultFrame } from "../../support/result-columns.js";

const nowMs = Date.parse("2026-03-04T12:00:00Z");

const entry: ParkedEntry = {
  sequence: 5,
  id: "PARKED-t-5",
  parkedAtMs: nowMs - 600_000,
  topic: "data",
  subject: "data",
  payload: encodeRecord(-7n, 1n, ""),
  isWhole: true,
  records: 1,
  reason: "timed_out",
  error: "",
  engine: "e",
  origin: undefined,
  trace: undefined,
  sequences: [5],
};

describe("the filters of crunch parked", () => {
  const cases: readonly [FilterWords, boolean][] = [
    [{}, true],
    [{ sequences: ["4", "5"] }, true],
    [{ sequences: ["4"] }, false],
    [{ reason: ["timed_out", "bad_row"] }, true],
    [{ reason: ["bad_row"] }, false],
    [{ topic: "data" }, true],
    [{ topic: "results" }, false],
    [{ since: "10m" }, true],
    [{ since: "599s" }, false],
    [{ until: "10m" }, true],
    [{ until: "1d" }, false],
    [{ since: "2026-03-04T11:50:00Z", until: "2026-03-04T12:50:00+01:00" }, true],
    [{ since: "2026-03-05" }, false],
    [{ id: ["-7"] }, true],
    [{ id: ["7"] }, false],
    [{ id: ["-7"], reason: ["bad_row"] }, false],
  ];
  for (const [words, is] of cases) {
    it(`${is ? "take" : "leave"} an entry by ${JSON.stringify(words)}`, () => {
      assert.equal(matches(parseFilter(words, nowMs), entry), is);
    });
  }

  it("find an ID inside whole frames of records and of results, and none in other bytes", () => {
    const filter = parseFilter({ id: ["9007199254740993"] }, nowMs);
    const id = 9_007_199_254_740_993n;
    const frame = frameOf([
      { id: 1n, data: 1n },
      { id, data: 1n },
    ]).payload;
    const results = resultFrame([{ ID: 2n }, { ID: id }]);
    const found: readonly [Partial<ParkedEntry>, boolean][] = [
      [{ subject: "data.frame", payload: frame }, true],
      [{ subject: "results.frame", topic: "results", payload: results }, true],
      [{ subject: "data.frame", payload: Uint8Array.of(0xff) }, false],
      [{ subject: undefined, payload: Buffer.from(String(id)) }, false],
      [{ subject: "data.frame", payload: frame, isWhole: false }, false],
    ];
    for (const [change, is] of found) assert.equal(matches(filter, { ...entry, ...change }), is);
  });

  it("name every word that they cannot read, with its limit", () => {
    const words: FilterWords = {
      sequences: ["0", "x"],
      id: ["9223372036854775808", "1.5"],
      topic: "date",
      since: "yesterday",
      until: "2026-13-01",
      limit: "-1",
    };
    assert.throws(
      () => parseFilter(words, nowMs),
      (thrown) => {
        assert.ok(thrown instanceof UserError);
        const lines = thrown.message.split("\n");
        assert.equal(lines.length, 8);
        for (const line of lines) assert.match(line, /^\S+=".*": must be /);
        return true;
      },
    );
    assert.throws(() => parseFilter({ since: "1m", until: "2m" }, nowMs), /must not be after --until="2m"/);
  });

  it("never mean everything by saying nothing", () => {
    const all = parseFilter({ limit: "3" }, nowMs);
    assert.throws(() => checkIsMeant("replay", all, false), /needs numbers .*, a filter, or --all/);
    assert.throws(() => checkIsMeant("drop", parseFilter({ topic: "data" }, nowMs), true), /--all: takes no/);
    checkIsMeant("drop", all, true);
    checkIsMeant("replay", parseFilter({ reason: ["bad_row"] }, nowMs), false);
  });
});
