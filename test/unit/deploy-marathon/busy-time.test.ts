import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BusyTime } from "../../../deploy-marathon/scaling/busy-time.js";
import type { ThreadsLook } from "../../../deploy-marathon/scaling/busy-time.js";

const engine = (more: Partial<ThreadsLook> = {}): ThreadsLook => ({
  process: "one",
  threads: 2,
  jobsInHand: 0,
  crunchSeconds: 100,
  ...more,
});

describe("BusyTime", () => {
  it("is not known without engines", () => {
    assert.equal(new BusyTime().add([], 0), undefined);
  });

  it("is the share of the threads' time that was spent on messages, over all engines", () => {
    const time = new BusyTime();
    const two = { process: "two", threads: 1, crunchSeconds: 7 };
    time.add([engine(), engine(two)], 0);

    const share = time.add([engine({ crunchSeconds: 110 }), engine({ ...two, crunchSeconds: 12 })], 10_000);

    assert.equal(share, 15 / 30);
  });

  it("counts from the restart on", () => {
    const time = new BusyTime();
    time.add([engine()], 0);
    time.restart();
    time.add([engine({ crunchSeconds: 120 })], 10_000);

    assert.equal(time.add([engine({ crunchSeconds: 125 })], 20_000), 5 / 20);
  });

  it("does not take an engine that starts anew for one that was idle", () => {
    const time = new BusyTime();
    time.add([engine()], 0);

    assert.equal(time.add([engine({ process: "one again", crunchSeconds: 0, jobsInHand: 2 })], 10_000), 1);
  });

  it("takes a message that takes longer than the look for work", () => {
    const time = new BusyTime();
    time.add([engine({ jobsInHand: 32 })], 0);

    assert.equal(time.add([engine({ jobsInHand: 32 })], 10_000), 1);
  });
});
