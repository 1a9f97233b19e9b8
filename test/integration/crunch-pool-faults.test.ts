import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PiscinaPool } from "../../services/crunch-engine/pool/piscina-pool.js";
import { frameOf, singleOf } from "../support/jobs.js";
import {
  answersOf,
  assertOthersCrunched,
  failuresOf,
  recordsWith,
  troublesomePool,
} from "../support/troublesome-pool.js";

describe("threads that get stuck or die", () => {
  const lost: string[] = [];
  let pool: PiscinaPool;
  /** Where a record's time never runs out before its thread's memory does. */
  let patientPool: PiscinaPool;
  before(async () => {
    const options = { ...troublesomePool, onThreadLost: (why: string) => lost.push(why) };
    pool = await PiscinaPool.start(options);
    patientPool = await PiscinaPool.start({ ...options, timeoutMs: 60_000 });
  });
  after(async () => {
    await pool.close();
    await patientPool.close();
  });

  for (const trouble of ["for-ever", "never-resolves"]) {
    it(`gives a record up that takes longer than the timeout: ${trouble}`, async () => {
      const [outcome, other] = await Promise.all([
        pool.crunch(frameOf(recordsWith({ 5: trouble, 6: trouble }))),
        pool.crunch(frameOf(recordsWith({}))),
      ]);

      assertOthersCrunched(outcome, [5, 6]);
      assertOthersCrunched(other, []);
      assert.deepEqual(failuresOf(outcome), [
        [5, "timed_out"],
        [6, "timed_out"],
      ]);
      assert.equal(outcome.failed[0]?.error, "no RData within CRUNCH_TIMEOUT_MS=300");
    });
  }

  it("lets a message take longer than the timeout as long as each record does not", async () => {
    const troubles = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [index, "slow:60"]));
    const outcome = await pool.crunch(frameOf(recordsWith(troubles)));

    assertOthersCrunched(outcome, []);
    assert.ok(outcome.crunchMs > 400, `took ${String(outcome.crunchMs)} ms`);
  });

  for (const [trouble, why] of [
    ["exit", /2 threads died of this record: .*exited with code: 7/],
    ["out-of-memory", /2 threads died of this record: it needed more than THREAD_MAX_MEMORY_MB=64/],
    ["uncaught", /2 threads died of this record: .*thrown from a timer/],
  ] as const) {
    it(`gives a record up that kills its thread twice: ${trouble}`, async () => {
      const lostBefore = lost.length;

      const [outcome, single] = await Promise.all([
        patientPool.crunch(frameOf(recordsWith({ 11: trouble }))),
        patientPool.crunch(singleOf({ data: 3n })),
      ]);

      assertOthersCrunched(outcome, [11]);
      assert.deepEqual(failuresOf(outcome), [[11, "killed_thread"]]);
      assert.match(outcome.failed[0]?.error ?? "", why);
      assert.equal(single.resultCount, 1);
      assert.equal(lost.length - lostBefore, 2);
    });
  }

  it("still crunches on every thread after all of that", async () => {
    for (const survivor of [pool, patientPool]) {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => survivor.crunch(frameOf(recordsWith({}, 500)))),
      );

      for (const outcome of outcomes) assertOthersCrunched(outcome, [], 500);
      assert.equal(survivor.jobsInHand, 0);
    }
  });

  it("harms no single that shares its request with a killer, or with one that is stuck", async () => {
    // The pool has to know that singles are quick before it sends them in bundles.
    for (let index = 0; index < 50; index += 1) await pool.crunch(singleOf({ data: 1n }));
    const troubles: Readonly<Record<number, string>> = { 100: "exit", 150: "for-ever" };
    const singles = Array.from({ length: 200 }, (_, index) =>
      singleOf({ id: BigInt(index), data: 1n, meta: troubles[index] ?? "" }),
    );

    const outcomes = await Promise.all(singles.map((job) => pool.crunch(job)));

    const failed = outcomes.flatMap((outcome, place) =>
      failuresOf(outcome).map(([index, reason]) => [place, index, reason]),
    );
    assert.deepEqual(failed, [
      [100, 0, "killed_thread"],
      [150, 0, "timed_out"],
    ]);
    for (const [index, outcome] of outcomes.entries()) {
      if (troubles[index] === undefined)
        assert.deepEqual(answersOf(outcome, false), [{ id: BigInt(index), rData: 1n }]);
    }
  });
});
