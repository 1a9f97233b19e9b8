import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryPool } from "../../../services/shared/memory-pool.js";

describe("a pool of memory", () => {
  it("hands out what was given back", () => {
    const pool = new MemoryPool();
    const first = pool.take(1_000);
    const second = pool.take(1_000);
    assert.notEqual(second, first);
    pool.give(first);
    assert.equal(pool.take(1_010), first);
    assert.notEqual(pool.take(1_000), first);
  });

  it("hands out nothing that is too small, or more than twice as large", () => {
    const pool = new MemoryPool();
    const memory = pool.take(1_000);
    pool.give(memory);
    assert.ok(pool.take(2_000).byteLength >= 2_000);
    pool.give(memory);
    assert.ok(pool.take(400).byteLength <= 800);
  });

  it("finds what fits among other sizes", () => {
    const pool = new MemoryPool();
    const [large, small] = [pool.take(100_000), pool.take(1_000)];
    pool.give(large);
    pool.give(small);
    assert.equal(pool.take(100_000), large);
  });

  it("lets go of a size that is not asked for any more", () => {
    const pool = new MemoryPool();
    const large = pool.take(100_000);
    pool.give(large);
    pool.give(pool.take(1_000));
    assert.notEqual(pool.take(100_000), large);
  });
});
