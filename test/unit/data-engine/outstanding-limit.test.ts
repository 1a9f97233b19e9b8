import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutstandingLimit } from "../../../services/data-engine/outstanding-limit.js";
import { until } from "../../support/until.js";

const never = new AbortController().signal;

describe("OutstandingLimit", () => {
  it("asks the streams only when its own bound is reached", async () => {
    let looks = 0;
    const look = (): Promise<number> => {
      looks += 1;
      return Promise.resolve(0);
    };
    const limit = new OutstandingLimit({ maxOutstanding: 100, look });
    for (let frame = 0; frame < 10; frame += 1) {
      await limit.admit(10, never);
      limit.confirmed(10);
    }
    assert.equal(looks, 1, "what others left");
    await limit.admit(10, never);
    assert.equal(looks, 2);
  });

  it("holds back while too many are outstanding, says so, and goes on by itself", async () => {
    let outstanding = 95;
    const limit = new OutstandingLimit({ maxOutstanding: 100, look: () => Promise.resolve(outstanding) });
    let isAdmitted = false;
    const admitted = limit.admit(10, never).then(() => (isAdmitted = true));
    await until(() => limit.blockedBy() !== undefined, 60_000, "the pause");
    assert.match(limit.blockedBy() ?? "", /^95 records are outstanding, MAX_OUTSTANDING=100$/);
    assert.equal(isAdmitted, false);

    outstanding = 90;
    await admitted;
    assert.equal(limit.blockedBy(), undefined);
  });

  it("counts what is sent and not yet confirmed beside what the streams have", async () => {
    let outstanding = 0;
    const limit = new OutstandingLimit({ maxOutstanding: 20, look: () => Promise.resolve(outstanding) });
    await limit.admit(10, never);
    await limit.admit(10, never);
    let isAdmitted = false;
    const admitted = limit.admit(1, never).then(() => (isAdmitted = true));
    await until(() => limit.blockedBy() !== undefined, 60_000, "the pause");
    assert.equal(isAdmitted, false);
    limit.confirmed(10);
    outstanding = 5;
    await admitted;
  });

  it("lets a frame that is larger than the limit go when nothing else is outstanding", async () => {
    const limit = new OutstandingLimit({ maxOutstanding: 5, look: () => Promise.resolve(0) });
    await limit.admit(10, never);
    assert.equal(limit.blockedBy(), undefined);
  });

  it("waits while the streams do not answer, says so, and ends when told to stop", async () => {
    const limit = new OutstandingLimit({ maxOutstanding: 5, look: () => Promise.reject(new Error("away")) });
    const stop = new AbortController();
    const admitted = limit.admit(1, stop.signal);
    await until(() => limit.blockedBy() !== undefined, 60_000, "the pause");
    assert.equal(limit.blockedBy(), "nobody says how many records are outstanding: away");
    stop.abort();
    await admitted;
  });
});
