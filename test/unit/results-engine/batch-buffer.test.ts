import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BatchBuffer } from "../../../services/results-engine/batch-buffer.js";

const limits = { maxRows: 100, maxBytes: 1_000, maxMessages: 10, maxWaitMs: 50 };

describe("BatchBuffer", () => {
  it("is never due while it is empty", () => {
    assert.equal(new BatchBuffer(limits).dueInMs(1e9), Number.POSITIVE_INFINITY);
  });

  it("is due when the oldest item has waited maxWaitMs", () => {
    const buffer = new BatchBuffer<string>(limits);
    buffer.add("a", { rows: 1, bytes: 10, messages: 1 }, 100);
    buffer.add("b", { rows: 1, bytes: 10, messages: 1 }, 140);

    assert.equal(buffer.dueInMs(140), 10);
    assert.equal(buffer.dueInMs(150), 0);
    assert.equal(buffer.dueInMs(900), 0);
  });

  it("is due at once when rows, bytes or items reach their limit", () => {
    for (const [rows, bytes, items] of [
      [100, 1, 1],
      [1, 1_000, 1],
      [1, 1, 10],
    ] as const) {
      const buffer = new BatchBuffer<number>(limits);
      for (let item = 0; item < items; item += 1)
        buffer.add(item, { rows: rows, bytes: bytes, messages: 1 }, 0);
      assert.equal(buffer.dueInMs(0), 0, `${rows} rows, ${bytes} bytes, ${items} items`);
    }
  });

  it("gives an item larger than a batch alone", () => {
    const buffer = new BatchBuffer<string>(limits);
    buffer.add("large", { rows: 5_000, bytes: 5_000, messages: 1 }, 0);
    buffer.add("small", { rows: 1, bytes: 1, messages: 1 }, 0);

    assert.deepEqual(buffer.take(), ["large"]);
    assert.deepEqual(buffer.take(), ["small"]);
    assert.deepEqual(buffer.take(), []);
  });

  it("agrees with a plain list over any order of adding, waiting and taking", () => {
    const step = fc.oneof(
      fc.record({ rows: fc.nat(60), bytes: fc.nat(600), afterMs: fc.nat(30) }),
      fc.constant("take" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const buffer = new BatchBuffer<number>(limits);
        let held: { id: number; rows: number; bytes: number; addedAtMs: number }[] = [];
        let nowMs = 0;
        for (const [id, next] of steps.entries()) {
          if (next === "take") {
            const taken = buffer.take();
            assert.deepEqual(
              taken,
              held.slice(0, taken.length).map((item) => item.id),
            );
            assert.equal(taken.length === 0, held.length === 0);
            const isOver = (count: number): boolean => {
              const some = held.slice(0, count);
              const rows = some.reduce((sum, item) => sum + item.rows, 0);
              const bytes = some.reduce((sum, item) => sum + item.bytes, 0);
              return rows > limits.maxRows || bytes > limits.maxBytes || count > limits.maxMessages;
            };
            assert.ok(taken.length <= 1 || !isOver(taken.length), "more than a batch");
            assert.ok(taken.length === held.length || isOver(taken.length + 1), "less than fits");
            held = held.slice(taken.length);
          } else {
            nowMs += next.afterMs;
            held.push({ id, rows: next.rows, bytes: next.bytes, addedAtMs: nowMs });
            buffer.add(id, { rows: next.rows, bytes: next.bytes, messages: 1 }, nowMs);
          }
          const rows = held.reduce((sum, item) => sum + item.rows, 0);
          const bytes = held.reduce((sum, item) => sum + item.bytes, 0);
          const isFull =
            rows >= limits.maxRows || bytes >= limits.maxBytes || held.length >= limits.maxMessages;
          const waitedMs = nowMs - (held[0]?.addedAtMs ?? nowMs);
          const dueInMs = isFull ? 0 : Math.max(0, limits.maxWaitMs - waitedMs);
          assert.equal(buffer.dueInMs(nowMs), held.length === 0 ? Infinity : dueInMs);
          assert.equal(buffer.rows, rows);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("gives every item once, in order, in batches within the limits", () => {
    const sizes = fc.array(
      fc.record({ rows: fc.integer({ min: 0, max: 150 }), bytes: fc.integer({ min: 0, max: 1_500 }) }),
    );
    fc.assert(
      fc.property(sizes, (items) => {
        const buffer = new BatchBuffer<number>(limits);
        for (const [index, { rows, bytes }] of items.entries())
          buffer.add(index, { rows: rows, bytes: bytes, messages: 1 }, index);
        const taken: number[] = [];
        for (let batch = buffer.take(); batch.length > 0; batch = buffer.take()) {
          taken.push(...batch);
          if (batch.length === 1) continue;
          const sum = (size: (item: { rows: number; bytes: number }) => number): number =>
            batch.reduce((total, index) => total + size(items[index] ?? { rows: 0, bytes: 0 }), 0);
          assert.ok(sum((item) => item.rows) <= limits.maxRows);
          assert.ok(sum((item) => item.bytes) <= limits.maxBytes);
          assert.ok(batch.length <= limits.maxMessages);
        }
        assert.deepEqual(taken, [...items.keys()]);
        assert.equal(buffer.rows, 0);
        assert.equal(buffer.dueInMs(0), Number.POSITIVE_INFINITY);
      }),
    );
  });
});
