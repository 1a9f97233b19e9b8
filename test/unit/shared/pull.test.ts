import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Link } from "../../../services/shared/nats/link.js";
import { PullSubscription } from "../../../services/shared/nats/pull.js";
import { until } from "../../support/until.js";

/** One request for 8 messages, to a server that says what it is told to. */
function open() {
  let subscriptions = 0;
  let hear: (error: null, message: unknown) => void = () => undefined;
  const replies: string[] = [];
  const nc = {
    publish: (_subject: string, _payload: string, { reply }: { reply: string }) => replies.push(reply),
    subscribe: (_subject: string, { callback }: { callback: typeof hear }) => {
      hear = callback;
      subscriptions += 1;
      return { drain: () => Promise.resolve((subscriptions -= 1)) };
    },
  };
  const link = { isConnected: true, nc } as unknown as Link;
  let ends = 0;
  const heard = {
    message: () => undefined,
    ended: () => (ends += 1),
    trouble: (reason: string) => assert.fail(reason),
  };
  const pull = new PullSubscription(link, "DATA", "crunch-engine", "_INBOX", heard);
  pull.request(8);
  return {
    pull,
    subscriptions: () => subscriptions,
    ends: () => ends,
    message: () => hear(null, { subject: "data" }),
    /** The server says that a request has ended with so many messages left. */
    tell: (request: number, left: number) => {
      const headers = { code: 408, description: "Request Timeout", get: () => String(left) };
      hear(null, { subject: replies[request], headers });
    },
  };
}

/** A request has ended by then, and the server had the time to say so. */
const ENDED_MS = 501;

describe("pull requests whose end the server does not tell", () => {
  it("are taken for ended half a second after they were made, and make room for others", () => {
    const { pull, ends } = open();
    const nowMs = performance.now();
    pull.forgetEnded(nowMs);
    assert.deepEqual([pull.requested, ends()], [8, 0]);

    pull.forgetEnded(nowMs + ENDED_MS);
    assert.deepEqual([pull.requested, ends()], [0, 1]);
  });

  it("are looked after without being asked to", async () => {
    const { pull } = open();
    await until(() => pull.requested === 0, 60_000, "the end of the request");
  });

  it("leave a server that counts as silent, until the requests are made anew", () => {
    const { pull } = open();
    const nowMs = performance.now();
    pull.forgetEnded(nowMs + ENDED_MS);
    assert.equal(pull.isSilent(nowMs + 60_000), true);

    pull.restart();
    assert.equal(pull.isSilent(nowMs + 60_000), false);
  });

  it("change nothing about newer ones when it is told late after all", () => {
    const { pull, ends, tell } = open();
    pull.forgetEnded(performance.now() + ENDED_MS);
    pull.request(5);

    tell(0, 8);
    assert.deepEqual([pull.requested, ends()], [5, 1]);
    tell(1, 5);
    assert.deepEqual([pull.requested, ends()], [0, 2]);
  });

  it("leave what newer ones asked for in the count", () => {
    const { pull, message, tell } = open();
    pull.request(5);
    message();
    assert.equal(pull.requested, 12);
    tell(0, 7);
    assert.equal(pull.requested, 5);
  });
});

describe("pull requests that are open at the end", () => {
  it("are waited for", async () => {
    const { pull, subscriptions } = open();
    const draining = pull.drain(new AbortController().signal);
    await nextTurn();
    assert.equal(subscriptions(), 1);
    await draining;
    assert.equal(subscriptions(), 0);
  });

  it("are waited for although they were taken for ended", async () => {
    const { pull, subscriptions } = open();
    pull.forgetEnded(performance.now() + ENDED_MS);
    const draining = pull.drain(new AbortController().signal);
    await nextTurn();
    assert.equal(subscriptions(), 1);
    await draining;
    assert.equal(subscriptions(), 0);
  });

  it("are left when no message will come any more", async () => {
    const { pull, subscriptions } = open();
    const draining = pull.drain(AbortSignal.abort());
    assert.equal(subscriptions(), 0);
    await draining;
  });
});
