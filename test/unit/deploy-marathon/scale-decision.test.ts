import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide } from "../../../deploy-marathon/scaling/scale-decision.js";
import type { Look, Memory, ScaleLimits } from "../../../deploy-marathon/scaling/scale-decision.js";

const LIMITS: ScaleLimits = {
  minEngines: 1,
  maxEngines: 16,
  targetDrainMs: 60_000,
  upAfterMs: 60_000,
  downAfterMs: 300_000,
};
const AT_MS = 10_000_000;
const LOOK: Look = { atMs: AT_MS, engines: 4, changedAtMs: 0, drainSeconds: 45, busyShare: 0.9 };
const LONG_AGO = 0;

const engines = (look: Partial<Look>, memory?: Memory, limits: Partial<ScaleLimits> = {}): number =>
  decide({ ...LOOK, ...look }, memory, { ...LIMITS, ...limits }).engines;

describe("decide", () => {
  it("leaves everything as it is between half the target and the target", () => {
    for (const drainSeconds of [30, 45, 60]) assert.equal(engines({ drainSeconds, busyShare: 0.1 }), 4);
  });

  it("starts as many as drain in time, at least one more, at most twice as many", () => {
    assert.equal(engines({ drainSeconds: 61 }), 5);
    assert.equal(engines({ drainSeconds: 90 }), 6);
    assert.equal(engines({ drainSeconds: 100_000 }), 8);
  });

  it("stops as many as are not needed for the work, at least half of them stay", () => {
    assert.equal(engines({ drainSeconds: 1, busyShare: 0.5 }), 3);
    assert.equal(engines({ drainSeconds: 0, busyShare: 0 }), 2);
    assert.equal(engines({ drainSeconds: 0, busyShare: 0, engines: 5 }), 3);
  });

  it("stops none that a steady load needs, however fast it is drained", () => {
    assert.equal(engines({ drainSeconds: 0.2, busyShare: 0.7 }), 4);
  });

  it("starts none while threads are idle: something else is slow", () => {
    const { engines: wanted, why } = decide(
      { ...LOOK, drainSeconds: 600, busyShare: 0.2 },
      undefined,
      LIMITS,
    );

    assert.equal(wanted, 4);
    assert.match(
      why,
      /draining takes 600 s, above 60 s, but threads are 20 % busy: more crunch-engines would not help/,
    );
  });

  it("changes nothing while nothing is known or nothing moves", () => {
    assert.equal(engines({ drainSeconds: undefined }), 4);
    assert.equal(engines({ drainSeconds: Infinity }), 4);
    assert.equal(engines({ drainSeconds: 600, busyShare: undefined }), 4);
    assert.equal(engines({ drainSeconds: 0, busyShare: undefined }), 4);
  });

  it("stays within the bounds, and goes back into them at once", () => {
    assert.equal(engines({ engines: 12, drainSeconds: 600 }), 16);
    assert.equal(engines({ engines: 16, drainSeconds: 600 }), 16);
    assert.equal(engines({ engines: 1, drainSeconds: 0, busyShare: 0 }), 1);
    assert.equal(engines({ drainSeconds: 0, busyShare: 0 }, undefined, { minEngines: 3 }), 3);
    assert.equal(engines({ engines: 0, drainSeconds: undefined, changedAtMs: AT_MS }), 1);
    assert.equal(engines({ engines: 20, drainSeconds: undefined, changedAtMs: AT_MS }), 16);
  });

  it("waits after any change, longer before it stops than before it starts", () => {
    const slow = { drainSeconds: 600 };
    const fast = { drainSeconds: 0, busyShare: 0 };

    assert.equal(engines({ ...slow, changedAtMs: AT_MS - 59_999 }), 4);
    assert.equal(engines({ ...slow, changedAtMs: AT_MS - 60_000 }), 8);
    assert.equal(engines({ ...fast, changedAtMs: AT_MS - 299_999 }), 4);
    assert.equal(engines({ ...fast, changedAtMs: AT_MS - 300_000 }), 2);
  });

  it("waits until a pace has lasted", () => {
    const slow = { drainSeconds: 600 };

    assert.equal(engines(slow, { pace: "slow", sinceMs: AT_MS - 59_999 }), 4);
    assert.equal(engines(slow, { pace: "slow", sinceMs: AT_MS - 60_000 }), 8);
    assert.equal(engines(slow, { pace: "right", sinceMs: LONG_AGO }), 4);
  });

  it("forgets how long a pace has lasted when it changes", () => {
    const first = decide({ ...LOOK, drainSeconds: 600 }, { pace: "right", sinceMs: LONG_AGO }, LIMITS);
    const second = decide({ ...LOOK, atMs: AT_MS + 5_000, drainSeconds: 600 }, first.memory, LIMITS);
    const third = decide({ ...LOOK, atMs: AT_MS + 9_000, drainSeconds: 1 }, second.memory, LIMITS);

    assert.deepEqual(second.memory, { pace: "slow", sinceMs: AT_MS });
    assert.deepEqual(third.memory, { pace: "fast", sinceMs: AT_MS + 9_000 });
  });
});

/** A pipeline of which each engine crunches `rate` records a second. */
class Pipeline {
  engines = 1;
  changes = 0;
  outstanding = 0;
  atMs = 0;
  slowestSeconds = 0;
  readonly #rate = 100;
  #changedAtMs = 0;
  #memory: Memory = { pace: "unknown", sinceMs: 0 };

  /** Lets records come in at that rate for so long, looking every 10 s. */
  run(perSecond: number, seconds: number): void {
    for (let second = 0; second < seconds; second += 10) {
      this.atMs += 10_000;
      const capacity = this.engines * this.#rate;
      const crunched = Math.min(capacity, this.outstanding / 10 + perSecond);
      this.outstanding = Math.max(0, this.outstanding + 10 * (perSecond - crunched));
      const drainSeconds = crunched === 0 ? 0 : this.outstanding / crunched;
      this.slowestSeconds = Math.max(this.slowestSeconds, drainSeconds);
      const look = {
        atMs: this.atMs,
        engines: this.engines,
        changedAtMs: this.#changedAtMs,
        drainSeconds,
        busyShare: crunched / capacity,
      };
      const { engines, memory } = decide(look, this.#memory, LIMITS);
      this.#memory = memory;
      if (engines === this.engines) continue;
      this.engines = engines;
      this.changes += 1;
      this.#changedAtMs = this.atMs;
    }
  }
}

describe("decide, look after look", () => {
  it("finds the number for a steady load and stays there", () => {
    const pipeline = new Pipeline();
    pipeline.run(450, 3_600);
    const { engines: found, changes } = pipeline;
    pipeline.run(450, 36_000);

    assert.ok(found >= 5 && found <= 8, String(found));
    assert.equal(pipeline.changes, changes);
    assert.equal(pipeline.outstanding, 0);
  });

  it("follows a load up to the bound and back down", () => {
    const pipeline = new Pipeline();
    pipeline.run(1_500, 7_200);
    assert.equal(pipeline.engines, 16);
    pipeline.run(0, 3_600);
    assert.equal(pipeline.engines, 1);
  });

  it("is not shaken by a load that comes in bursts of half a minute", () => {
    const pipeline = new Pipeline();
    pipeline.run(300, 3_600);
    const { changes } = pipeline;
    for (let burst = 0; burst < 100; burst += 1) {
      pipeline.run(600, 30);
      pipeline.run(0, 30);
    }

    assert.ok(pipeline.changes - changes <= 2, String(pipeline.changes - changes));
  });
});
