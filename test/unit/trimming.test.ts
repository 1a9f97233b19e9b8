import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TrimPlanner } from "../../services/shared/nats/trimming.js";

const windowMs = 600_000;
const look = {
  createdAt: "2026-01-01T00:00:00Z",
  firstSequence: 1,
  lastSequence: 100,
  bytes: 10,
  maxBytes: 100,
};

test("what is finished is kept until it is as old as the dedupe window", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, ackFloors: [50] }, 1_000), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [80] }, 500_000), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [90] }, 600_999), undefined);
  assert.equal(planner.removable({ ...look, ackFloors: [95] }, 601_000), 50);
  assert.equal(planner.removable({ ...look, firstSequence: 51, ackFloors: [95] }, 1_000_000), undefined);
  assert.equal(planner.removable({ ...look, firstSequence: 51, ackFloors: [95] }, 1_100_000), 80);
});

test("a stream that is more than half full loses the oldest that is finished, down to half", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, bytes: 50, ackFloors: [90] }, 0), undefined);
  assert.equal(planner.removable({ ...look, bytes: 80, ackFloors: [90] }, 1), 38);
  assert.equal(planner.removable({ ...look, firstSequence: 39, bytes: 50, ackFloors: [90] }, 2), undefined);
});

test("a stream that is more than half full keeps what is not finished", () => {
  const planner = new TrimPlanner(windowMs);
  assert.equal(planner.removable({ ...look, bytes: 80, ackFloors: [30] }, 0), 30);
});

test("what is older than the dedupe window goes from a full stream, too", () => {
  const planner = new TrimPlanner(windowMs);
  planner.removable({ ...look, ackFloors: [90] }, 0);
  assert.equal(planner.removable({ ...look, bytes: 51, ackFloors: [90] }, windowMs), 90);
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

test("over any history of several consumers only what all of them finished is removed", () => {
  const consumers = 3;
  const step = fc.record({
    stored: fc.nat(20),
    acked: fc.array(fc.nat(25), { minLength: consumers, maxLength: consumers }),
    passedMs: fc.nat(400_000),
    bytes: fc.nat(100),
    isDurableHere: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const planner = new TrimPlanner(windowMs);
      const floors = new Array<number>(consumers).fill(0);
      const finishedAtMs: number[] = [];
      let [nowMs, last, first] = [0, 0, 1];
      for (const { stored, acked, passedMs, bytes, isDurableHere } of steps) {
        last += stored;
        nowMs += passedMs;
        for (const [index, count] of acked.entries()) {
          floors[index] = Math.min(last, (floors[index] ?? 0) + count);
        }
        const slowest = Math.min(...floors);
        while (finishedAtMs.length < slowest) finishedAtMs.push(nowMs);
        const ackFloors = isDurableHere ? floors : [];
        const upTo = planner.removable(
          { ...look, firstSequence: first, lastSequence: last, bytes, ackFloors },
          nowMs,
        );
        if (upTo === undefined) continue;
        assert.ok(isDurableHere && upTo <= slowest, "one consumer has not finished it");
        const isWindowOver = nowMs - (finishedAtMs[upTo - 1] ?? Infinity) >= windowMs;
        assert.ok(bytes * 2 > 100 || isWindowOver, "removed within the window, with room to spare");
        assert.ok(upTo >= first, "nothing new to remove");
        first = upTo + 1;
      }
    }),
    { numRuns: 500 },
  );
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
          lastSequence: storedAtMs.length,
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
