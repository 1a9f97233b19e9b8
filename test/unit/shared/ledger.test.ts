import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ledgerOf, outstandingOf } from "../../../services/shared/ledger.js";
import type { ParkedLook, StageLook } from "../../../services/shared/streams-look.js";
import { LedgerRates } from "../../../services/shared/ledger-rates.js";

function stage(records: number, settledRecords: number): StageLook {
  const waiting = records - settledRecords;
  return {
    records,
    settledRecords,
    pendingMessages: waiting,
    unackedMessages: 0,
    oldestUnfinishedAtMs: undefined,
  };
}

function parkedOf(fromData: number, fromResults: number, rows: number): ParkedLook {
  return { fromData, fromResults, rows, reasons: {}, keptMessages: 0 };
}

/** A pipeline in the middle of its work; each number is how many records are in that place. */
const places = fc.record({
  waiting: fc.nat(1_000),
  parkedFromData: fc.nat(1_000),
  waitingResults: fc.nat(1_000),
  parkedFromResults: fc.nat(1_000),
  stored: fc.nat(1_000),
  repeats: fc.nat(1_000),
  rows: fc.nat(1_000),
  lostOfData: fc.nat(3),
  lostOfResults: fc.nat(3),
});

describe("the ledger", () => {
  it("balances whatever is where, and finds what is lost once nothing is under way", () => {
    const property = fc.property(places, (place) => {
      const settledResults = place.parkedFromResults + place.stored + place.repeats + place.lostOfResults;
      const results = settledResults + place.waitingResults;
      const settledData = results + place.parkedFromData + place.lostOfData;
      const look = {
        data: stage(settledData + place.waiting, settledData),
        results: stage(results, settledResults),
        parked: parkedOf(place.parkedFromData, place.parkedFromResults, place.rows),
      };
      const sink = { stored: place.stored, repeats: place.repeats, replays: 0, late: 0 };
      const ledger = ledgerOf(look, sink);
      const { published, stored, repeats, parked, outstanding, unaccounted } = ledger;

      assert.equal(published, stored + repeats + parked + outstanding);
      const lost = place.lostOfData + place.lostOfResults;
      assert.equal(outstanding, place.waiting + place.waitingResults + lost);
      assert.equal(unaccounted, lost);
      assert.equal(outstandingOf(look), place.waiting + place.waitingResults + place.lostOfData);
    });
    fc.assert(property);
  });

  it("balances also where counts contradict each other", () => {
    const count = fc.nat(10);
    const looks = fc.record({
      data: fc.tuple(count, count),
      results: fc.tuple(count, count),
      parked: fc.tuple(count, count, count),
      sink: fc.option(
        fc.record({
          stored: fc.option(count, { nil: undefined }),
          repeats: count,
          replays: count,
          late: count,
        }),
        { nil: undefined },
      ),
    });
    const property = fc.property(looks, ({ data, results, parked, sink }) => {
      const streams = { data: stage(...data), results: stage(...results), parked: parkedOf(...parked) };
      const ledger = ledgerOf(streams, sink);
      const { published, stored, repeats, outstanding, unaccounted } = ledger;
      assert.equal(published, stored + repeats + ledger.parked + outstanding);
      for (const value of [stored, repeats, outstanding, unaccounted]) assert.ok(value >= 0);
    });
    fc.assert(property);
  });

  it("takes an ack for a row where the sink keeps no totals", () => {
    const parked = parkedOf(0, 2, 0);
    const ledger = ledgerOf({ data: stage(10, 10), results: stage(10, 9), parked }, undefined);
    assert.deepEqual(
      [ledger.stored, ledger.repeats, ledger.parked, ledger.outstanding, ledger.unaccounted],
      [7, 0, 2, 1, 0],
    );
  });

  it("is not alarmed by what the sink counted before its results are acked", () => {
    const parked = parkedOf(0, 0, 0);
    const sink = { stored: 8, repeats: 0, replays: 0, late: 0 };
    assert.equal(ledgerOf({ data: stage(10, 8), results: stage(8, 2), parked }, sink).unaccounted, 0);
  });
});

describe("rates of the ledger", () => {
  const at = (stored: number, outstanding: number) =>
    ledgerOf(
      {
        data: stage(stored + outstanding, stored),
        results: stage(stored, stored),
        parked: parkedOf(0, 0, 0),
      },
      undefined,
    );

  it("tells the time to drain from the last minute", () => {
    const rates = new LedgerRates();
    rates.add(at(0, 1_000), 0);
    assert.equal(rates.drainSeconds(at(0, 1_000)), undefined);
    rates.add(at(500, 500), 5_000);
    assert.equal(rates.rates.stored, 100);
    assert.equal(rates.drainSeconds(at(500, 500)), 5);
    rates.add(at(500, 500), 70_000);
    assert.equal(rates.drainSeconds(at(500, 500)), undefined, "nothing moved for a minute");
    assert.equal(rates.drainSeconds(at(500, 0)), 0);
  });
});
