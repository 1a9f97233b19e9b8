import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReconnectDelay } from "../../../services/shared/nats/reconnect-delay.js";

function delayOf(servers: number) {
  const time = { wallMs: 1_000_000_000, steadyMs: 0 };
  const delay = new ReconnectDelay(servers, {
    wallNowMs: () => time.wallMs,
    steadyNowMs: () => time.steadyMs,
    random: () => 0.5,
  });
  return { delay, time };
}

describe("the wait before a server is dialled again", () => {
  it("is half a second and up to as much more", () => {
    assert.equal(delayOf(1).delay.nextMs(), 750);
  });

  it("is left out once for each server after the clock was set back", () => {
    const { delay, time } = delayOf(2);
    time.wallMs -= 3_600_000;
    assert.deepEqual(
      [delay.nextMs(), delay.nextMs(), delay.nextMs()],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 750],
    );
  });

  it("stays when time passes, the clock drifts or is set forward", () => {
    const { delay, time } = delayOf(1);
    for (const [wallMs, steadyMs] of [
      [60_000, 60_000],
      [59_500, 60_000],
      [3_660_000, 60_000],
    ] as const) {
      time.wallMs += wallMs;
      time.steadyMs += steadyMs;
      assert.equal(delay.nextMs(), 750);
    }
  });
});
