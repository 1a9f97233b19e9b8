import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LazyRecord } from "../../../services/crunch-engine/pool/lazy-record.js";
import { Pace } from "../../../services/crunch-engine/pool/pace.js";
import { Progress } from "../../../services/crunch-engine/pool/progress.js";
import { WaitingJobs } from "../../../services/crunch-engine/pool/waiting-jobs.js";
import type { PendingJob } from "../../../services/crunch-engine/pool/waiting-jobs.js";
import { WallClock } from "../../../services/crunch-engine/pool/wall-clock.js";
import { decodeRecords, encodeRecord } from "../../../services/shared/codec/record-codec.js";
import { jobOf } from "../../support/jobs.js";

describe("LazyRecord", () => {
  const columns = decodeRecords(encodeRecord(7n, -9n, "méta"), false);

  it("has ID, Data and Meta, also by destructuring", () => {
    const { ID, Data, Meta } = new LazyRecord(columns, 0);

    assert.deepEqual([ID, Data, Meta], [7n, -9n, "méta"]);
  });

  it("does not decode Meta before it is read, and then once", () => {
    let reads = 0;
    const starts = new Proxy(columns.meta.starts, {
      get: (target, key) => {
        reads += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    const record = new LazyRecord({ ...columns, meta: { ...columns.meta, starts } }, 0);

    assert.equal(record.Data, -9n);
    assert.equal(reads, 0);
    assert.equal(record.Meta + record.Meta, "métaméta");
    assert.equal(reads, 1);
  });
});

describe("WallClock", () => {
  function clockAt(originMs: number): { clock: WallClock; now: { coarse: number; fine: number } } {
    const now = { coarse: originMs, fine: 0 };
    const clock = new WallClock({
      coarseNowMs: () => Math.floor(now.coarse),
      fineNowMs: () => now.fine,
      fineOriginMs: originMs,
    });
    return { clock, now };
  }

  it("has fractions of a millisecond", () => {
    const { clock, now } = clockAt(1_000_000);
    now.fine += 0.25;

    assert.equal(clock.nowMs(), 1_000_000.25);
  });

  it("takes no notice of a coarse clock that is cut off to whole milliseconds", () => {
    const { clock, now } = clockAt(1_000_000);
    now.fine += 10.9;
    now.coarse += 10.9;
    clock.synchronise();

    assert.equal(clock.nowMs(), 1_000_010.9);
  });

  for (const stepMs of [3_600_000, -3_600_000]) {
    it(`follows the machine's clock when that is set by ${String(stepMs)} ms`, () => {
      const { clock, now } = clockAt(10_000_000);
      now.fine += 100;
      now.coarse += 100 + stepMs;
      clock.synchronise();

      assert.ok(Math.abs(clock.nowMs() - now.coarse) <= 1);
    });
  }
});

describe("WaitingJobs", () => {
  function pending(isFrame: boolean, bytes = 10): PendingJob {
    const job = jobOf(new Uint8Array(bytes), isFrame);
    return { job, givenUp: [], deaths: new Map(), resolve: () => undefined, reject: () => undefined };
  }

  it("gives frames out one by one and neighbouring singles together, in order", () => {
    const jobs = [false, false, true, false, true, true].map((isFrame) => pending(isFrame));
    const waiting = new WaitingJobs();
    for (const job of jobs) waiting.push(job);

    const taken = [];
    while (waiting.size > 0) taken.push(waiting.take(100));

    assert.deepEqual(
      taken.map((bundle) => bundle.length),
      [2, 1, 1, 1, 1],
    );
    assert.deepEqual(taken.flat(), jobs);
    assert.deepEqual(waiting.take(1), []);
  });

  it("bundles no more singles than asked for, and no more than 256 KiB", () => {
    const waiting = new WaitingJobs();
    for (let index = 0; index < 5; index += 1) waiting.push(pending(false));
    for (let index = 0; index < 3; index += 1) waiting.push(pending(false, 200_000));

    const sizes = [3, 100, 100, 100, 100].map((max) => waiting.take(max).length);

    assert.deepEqual(sizes, [3, 3, 1, 1, 0]);
  });

  it("gives jobs that were put back before all others", () => {
    const jobs = Array.from({ length: 3_000 }, () => pending(true));
    const waiting = new WaitingJobs();
    for (const job of jobs) waiting.push(job);
    const lost = [...waiting.take(1), ...waiting.take(1)];
    waiting.putBack(lost);

    const taken = jobs.flatMap(() => waiting.take(1));

    assert.deepEqual(taken, jobs);
    assert.equal(waiting.size, 0);
  });
});

describe("Pace", () => {
  it("hands over early and bundles singles while they are quick", () => {
    const pace = new Pace();
    for (let index = 0; index < 50; index += 1) pace.measured(0.1, 10, false);

    assert.equal(pace.requestsPerThread, 2);
    assert.equal(pace.maxSinglesPerRequest, 256);
  });

  it("keeps slow work apart, so that none waits behind another while a thread is free", () => {
    const pace = new Pace();
    for (let index = 0; index < 50; index += 1) pace.measured(100, 1, false);

    assert.equal(pace.requestsPerThread, 1);
    assert.equal(pace.maxSinglesPerRequest, 1);
  });

  it("is careful until it has measured", () => {
    const pace = new Pace();

    assert.deepEqual([pace.requestsPerThread, pace.maxSinglesPerRequest], [1, 1]);
  });
});

describe("Progress", () => {
  it("is seen through the memory it shares", () => {
    const mine = new Progress();
    assert.equal(mine.position().record, -1);

    const theirs = new Progress(mine.memory);
    theirs.begin(4);
    theirs.enterRecord(17);

    assert.deepEqual(mine.position(), { threadId: 4, record: 17 });
    theirs.leaveRecords();
    assert.equal(mine.position().record, -1);
  });
});
