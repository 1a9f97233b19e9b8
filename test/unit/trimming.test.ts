import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TrimPlanner } from "../../services/shared/nats/trimming.js";

const windowMs = 600_000;
const look = { createdAt: "2026-01-01T00:00:00Z", firstSequence: 1, bytes: 10, maxBytes: 100 };

test("what is finished is kept until it is as old as the dedupe window", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, ackFloors: [50] }, 1_000), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [80] }, 500_000), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [90] }, 600_999), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [95] }, 601_000), 50);
  assert.equal(planner.removable({ ...look, firstSequence: 51, ackFloors: [95] }, 1_000_000), undefined);
  assert.equal(planner.removable({ ...look, firstSequence: 51, ackFloors: [95] }, 1_100_000), 80);
});

test("a stream that is more than half full is trimmed of all that is finished at once", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, bytes: 50, ackFloors: [40] }, 0), undefined);
  assert.equal(planner.removable({ ...look, bytes: 51, ackFloors: [40] }, 1), 40);
});

test("the slowest consumer decides", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, bytes: 90, ackFloors: [70, 20, 90] }, 0), 20);
  assert.equal(planner.removable({ ...look, bytes: 90, ackFloors: [70, 0] }, 1), undefined);
});

test("nothing is removed while the durable is missing", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, bytes: 99, ackFloors: [] }, 0), undefined);
});

test("what was learned of a stream is forgotten when another stream has its name", () => {
  const planner = new TrimPlanner(windowMs);
  planner.removable({ ...look, ackFloors: [500] }, 0);
  const remade = { ...look, createdAt: "2026-01-02T00:00:00Z", ackFloors: [3] };
  assert.equal(planner.removable(remade, windowMs * 2), undefined);
  assert.equal(planner.removable(remade, windowMs * 3), 3);
});

test("no unfinished message is ever removed, nor a finished one before its time", () => {
  const step = fc.record({
    stored: fc.nat(50),
    acked: fc.nat(60),
    passedMs: fc.nat(400_000),
    bytes: fc.nat(100),
    isRemade: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const planner = new TrimPlanner(windowMs);
      let generation = 0;
      let nowMs = 0;
      let first = 1;
      let floor = 0;
      let storedAtMs: number[] = [];
      for (const { stored, acked, passedMs, bytes, isRemade } of steps) {
        if (isRemade) {
          generation += 1;
          first = 1;
          floor = 0;
          storedAtMs = [];
        }
        for (let count = 0; count < stored; count += 1) storedAtMs.push(nowMs);
        floor = Math.min(storedAtMs.length, floor + acked);
        nowMs += passedMs;
        const state = {
          createdAt: String(generation),
          firstSequence: first,
          bytes,
          maxBytes: 100,
          ackFloors: [floor],
        };
        const upTo = planner.removable(state, nowMs);
        if (upTo === undefined) continue;
        assert.ok(upTo <= floor, "an unfinished message is removed");
        assert.ok(upTo >= first);
        if (bytes <= 50) {
          const newestMs = storedAtMs[upTo - 1] ?? Infinity;
          assert.ok(nowMs - newestMs >= windowMs, "a message younger than the window is removed");
        }
        first = upTo + 1;
      }
    }),
    { numRuns: 500 },
  );
});
