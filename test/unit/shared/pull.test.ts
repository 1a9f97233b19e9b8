import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Link } from "../../../services/shared/nats/link.js";
import { PullSubscription } from "../../../services/shared/nats/pull.js";

describe("pull requests that are open at the end", () => {
  /** One request, to a server that answers nothing. */
  function open() {
    let subscriptions = 0;
    const nc = {
      publish: () => undefined,
      subscribe: (inbox: string) => {
        subscriptions += 1;
        return { getSubject: () => inbox, drain: () => Promise.resolve((subscriptions -= 1)) };
      },
    };
    const link = { isConnected: true, nc } as unknown as Link;
    const unheard = { message: () => undefined, ended: () => undefined, trouble: () => undefined };
    const pull = new PullSubscription(link, "DATA", "crunch-engine", "_INBOX", unheard);
    pull.request(8);
    return { pull, subscriptions: () => subscriptions };
  }

  it("are forgotten when the server does not tell their end, and the server counts as silent", () => {
    const { pull } = open();
    const nowMs = performance.now();
    pull.forgetEnded(nowMs);
    assert.equal(pull.requested, 8);

    pull.forgetEnded(nowMs + 60_000);
    assert.equal(pull.requested, 0);
    assert.equal(pull.isSilent(nowMs + 60_000), true);

    pull.restart();
    assert.equal(pull.isSilent(nowMs + 60_000), false);
  });

  it("are waited for", async () => {
    const { pull, subscriptions } = open();
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
