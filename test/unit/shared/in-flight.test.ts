import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InFlight } from "../../../services/shared/in-flight.js";

const pace = { minInFlight: 4, holdMs: 1_000 };
const wide = { maxInFlight: 2_000, maxInFlightBytes: 64_000_000 };

/** Settles `perMs` messages of `bytes` each in every millisecond, as long as that many may be in hand. */
function flow(inFlight: InFlight, perMs: number, bytes: number, fromMs: number, forMs: number): void {
  let owed = 0;
  for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += 1) {
    owed += perMs;
    const count = Math.min(Math.floor(owed), inFlight.room(0));
    owed -= Math.floor(owed);
    for (let n = 0; n < count; n += 1) inFlight.taken(bytes, nowMs);
    for (let n = 0; n < count; n += 1) inFlight.settled(bytes, nowMs + 1);
  }
}

describe("messages in flight", () => {
  it("are bounded by their number, those on their way included", () => {
    const inFlight = new InFlight({ maxInFlight: 10 });
    for (let n = 0; n < 4; n += 1) inFlight.taken(100, n);
    assert.equal(inFlight.room(0), 6);
    assert.equal(inFlight.room(5), 1);
    assert.equal(inFlight.room(8), 0);
  });

  it("are bounded by their bytes once it is seen how large they are", () => {
    const inFlight = new InFlight({ maxInFlight: 1_000, maxInFlightBytes: 10_000 });
    assert.equal(inFlight.room(0), 64);
    inFlight.taken(1_000, 0);
    assert.equal(inFlight.room(0), 9);
    assert.equal(inFlight.room(8), 1);
    inFlight.taken(9_500, 1);
    assert.equal(inFlight.room(0), 0);
    assert.equal(inFlight.limit, 1);
  });

  it("are one at least, however large it is", () => {
    const inFlight = new InFlight({ maxInFlight: 1_000, maxInFlightBytes: 1_024 });
    inFlight.taken(5_000, 0);
    inFlight.settled(5_000, 1);
    assert.equal(inFlight.room(0), 1);
    assert.equal(inFlight.room(1), 0);
  });

  it("become many again when large ones are followed by small ones", () => {
    const inFlight = new InFlight({ maxInFlight: 1_000, maxInFlightBytes: 1_000_000 });
    inFlight.taken(500_000, 0);
    inFlight.settled(500_000, 1);
    assert.equal(inFlight.limit, 2);
    flow(inFlight, 1, 100, 1, 500);
    assert.equal(inFlight.limit, 1_000);
  });

  it("grow to what is settled within the hold time, and shrink to it", () => {
    const inFlight = new InFlight({ ...wide, pace });
    assert.equal(inFlight.limit, 4);
    flow(inFlight, 1, 10, 0, 2_000);
    assert.ok(Math.abs(inFlight.limit - 1_000) < 100, String(inFlight.limit));
    for (let n = 0; n < 100; n += 1) inFlight.taken(10, 2_000);
    for (let n = 0; n < 100; n += 1) inFlight.settled(10, 2_010 + 10 * n);
    assert.ok(Math.abs(inFlight.limit - 100) < 20, String(inFlight.limit));
  });

  it("stay within their bounds however fast or slow they are settled", () => {
    const inFlight = new InFlight({ ...wide, pace });
    flow(inFlight, 50, 10, 0, 1_000);
    assert.equal(inFlight.limit, 2_000);
    for (let n = 0; n < 8; n += 1) inFlight.taken(10, 10_000);
    for (let n = 0; n < 7; n += 1) inFlight.settled(10, 15_000 + n * 5_000);
    assert.equal(inFlight.limit, 4);
  });

  it("are not fewer after a time with nothing to do", () => {
    const inFlight = new InFlight({ ...wide, pace });
    flow(inFlight, 1, 10, 0, 2_000);
    const before = inFlight.limit;
    inFlight.taken(10, 500_000);
    inFlight.settled(10, 500_001);
    assert.equal(inFlight.limit, before);
  });
});
