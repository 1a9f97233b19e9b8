import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Oracle, differencesIn } from "../../chaos/oracle.js";
import type { DifferenceKind, Ledger, ParkedEntry, StoredRow } from "../../chaos/oracle.js";

const TIMES = { fromUs: 1_000n, toUs: 2_000n, clockStepUs: 100n };
const RECORD = { id: 7n, data: -5n, meta: "m7" };
const ROW: StoredRow = { ...RECORD, rData: 49n, dTimeUs: 1_500n, processTimeUs: 950n, rTimeUs: 2_100n };
const POISONED = { id: 8n, data: 1n, meta: "!throw" };
const PARKED: ParkedEntry = { record: POISONED, reason: "cruncher_threw" };
const RUBBISH: ParkedEntry = { payload: "D3I=", reason: "undecodable" };

/** One good record, one poison record, one poison message: all confirmed. */
function ledgerOf(seen: {
  rows?: readonly StoredRow[];
  parked?: readonly ParkedEntry[];
  totals?: { stored: number; repeats: number };
}): Ledger {
  const oracle = new Oracle();
  oracle.offer(RECORD, { rData: 49n });
  oracle.offer(POISONED, { reasons: ["cruncher_threw", "timed_out"] });
  oracle.offerPoison("D3I=", "undecodable");
  oracle.confirm(7n, "as DATA 3");
  oracle.confirm(8n);
  oracle.confirmPoison("D3I=");
  for (const row of seen.rows ?? [ROW]) oracle.seeRow(row, TIMES);
  for (const entry of seen.parked ?? [PARKED, RUBBISH]) oracle.seeParked(entry);
  oracle.seeTotals(seen.totals ?? { stored: (seen.rows ?? [ROW]).length, repeats: 0 });
  return oracle.settle();
}

function assertOnly(ledger: Ledger, kind: DifferenceKind, example: RegExp): void {
  assert.equal(ledger.differences[kind], 1, ledger.examples.join("; "));
  assert.equal(differencesIn(ledger), 1, ledger.examples.join("; "));
  assert.match(ledger.examples[0] ?? "", example);
}

describe("the oracle", () => {
  it("finds no difference where everything is in its place", () => {
    const ledger = ledgerOf({});
    assert.equal(differencesIn(ledger), 0);
    assert.deepEqual([ledger.confirmed, ledger.stored], [3, 1]);
    assert.deepEqual(ledger.parked, { cruncher_threw: 1, undecodable: 1 });
  });

  it("finds a confirmed record that is nowhere", () => {
    assertOnly(ledgerOf({ rows: [] }), "lost", /ID 7, must be stored; confirmed as DATA 3/);
  });

  it("finds poison that is not parked", () => {
    assertOnly(ledgerOf({ parked: [PARKED] }), "lost", /poison D3I=, must be parked for undecodable/);
  });

  it("finds a row that is there twice", () => {
    assertOnly(ledgerOf({ rows: [ROW, ROW] }), "twice", /ID 7 has a further row/);
  });

  it("finds a record that is parked twice", () => {
    assertOnly(ledgerOf({ parked: [PARKED, PARKED, RUBBISH] }), "twice", /ID 8 is parked once more/);
  });

  for (const [what, change] of Object.entries({
    Data: { data: -4n },
    Meta: { meta: "m7 " },
    RData: { rData: 50n },
    DTimeStamp: { dTimeUs: 2_001n },
    ProcessTime: { processTimeUs: 899n },
    RTimeStamp: { rTimeUs: 2_101n },
  })) {
    it(`finds a row with another ${what}`, () => {
      assertOnly(ledgerOf({ rows: [{ ...ROW, ...change }] }), "altered", new RegExp(`ID 7 has .*${what}`));
    });
  }

  it("finds a record that is parked with other bytes", () => {
    const altered = { record: { ...POISONED, data: 2n }, reason: "cruncher_threw" };
    assertOnly(ledgerOf({ parked: [altered, RUBBISH] }), "altered", /ID 8 is parked with Data 2/);
  });

  it("finds a record that is parked for a reason that is not its own", () => {
    const misjudged = { ...PARKED, reason: "killed_thread" };
    assertOnly(
      ledgerOf({ parked: [misjudged, RUBBISH] }),
      "altered",
      /ID 8 is parked for killed_thread, not/,
    );
  });

  it("finds rows and parked records that nobody sent", () => {
    assertOnly(ledgerOf({ rows: [ROW, { ...ROW, id: 9n }] }), "invented", /row of ID 9/);
    const stranger = { record: { ...POISONED, id: 9n }, reason: "cruncher_threw" };
    assertOnly(ledgerOf({ parked: [PARKED, RUBBISH, stranger] }), "invented", /ID 9 parked/);
  });

  it("finds a good record that is parked, and one that is parked and stored", () => {
    const misjudged: ParkedEntry = { record: RECORD, reason: "cruncher_threw" };
    assertOnly(ledgerOf({ rows: [], parked: [misjudged, PARKED, RUBBISH] }), "altered", /ID 7 is parked/);
    const both = ledgerOf({ parked: [misjudged, PARKED, RUBBISH] });
    assert.deepEqual([both.differences.twice, both.differences.altered], [1, 1]);
  });

  it("finds a sink that counted other rows than its table has, and repeats that nobody sent", () => {
    assertOnly(ledgerOf({ totals: { stored: 2, repeats: 0 } }), "miscounted", /counted 2 stored/);
    assertOnly(ledgerOf({ totals: { stored: 1, repeats: 3 } }), "miscounted", /counted 3 repeats/);
  });

  it("lets a record that was never confirmed be there or not", () => {
    for (const isThere of [true, false]) {
      const oracle = new Oracle();
      oracle.offer(RECORD, { rData: 49n });
      if (isThere) oracle.seeRow(ROW, TIMES);
      const ledger = oracle.settle();
      assert.deepEqual([differencesIn(ledger), ledger.unconfirmed], [0, 1]);
    }
  });

  it("lets a record that fails once be stored, parked or both, and counts both", () => {
    const oracle = new Oracle();
    oracle.offer(RECORD, { rData: 49n, reasons: ["cruncher_threw"] });
    oracle.confirm(7n);
    oracle.seeRow(ROW, TIMES);
    oracle.seeParked({ record: RECORD, reason: "cruncher_threw" });
    const ledger = oracle.settle();
    assert.deepEqual([differencesIn(ledger), ledger.parkedAndStored], [0, 1]);
  });
});
