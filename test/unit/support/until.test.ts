import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../../support/until.js";

/** Nothing of this process goes on meanwhile, as on a machine that is paused. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("until", () => {
  it("waits on after a machine stood still for longer than the deadline", async () => {
    let looks = 0;
    const isLate = (): boolean => {
      looks += 1;
      if (looks === 1) setTimeout(() => standStill(1_600), 1);
      return looks === 5;
    };

    await until(isLate, 1_400);

    assert.equal(looks, 5);
  });

  it("ends with what did not come in time", async () => {
    await assert.rejects(
      until(() => false, 50, "the moon"),
      /^Error: the moon not met within 50 ms$/,
    );
  });

  it("counts looks that take long", async () => {
    const slowLook = async (): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return false;
    };
    let looks = 0;
    await assert.rejects(
      until(() => ((looks += 1), slowLook()), 100),
      /not met/,
    );
    assert.ok(looks <= 3, `${String(looks)} looks`);
  });
});
