import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BacklogWatch } from "../../../services/crunch-engine/backlog-watch.js";
import { createCrunchMetrics } from "../../../services/crunch-engine/crunch-metrics.js";
import type { Backlog } from "../../../services/shared/messaging.js";
import { createMetrics } from "../../../services/shared/metrics.js";

describe("BacklogWatch", () => {
  it("shows what waits, and keeps the last value while the server is away", async () => {
    const metrics = createMetrics("test");
    let answer: () => Promise<Backlog> = () =>
      Promise.resolve({ pendingMessages: 7, unackedMessages: 2, lastSequence: 9 });
    const watch = new BacklogWatch(() => answer(), createCrunchMetrics(metrics));
    await watch.look();
    answer = () => Promise.reject(new Error("no server"));
    await watch.look();
    watch.close();

    const text = await metrics.registry.metrics();
    assert.match(text, /^crunch_pending_messages\{.*\} 7$/m);
    assert.match(text, /^crunch_unacked_messages\{.*\} 2$/m);
  });

  it("asks one question at a time", async () => {
    let asked = 0;
    let reply: ((backlog: Backlog) => void) | undefined;
    const ask = (): Promise<Backlog> => {
      asked += 1;
      return new Promise((resolve) => (reply = resolve));
    };
    const watch = new BacklogWatch(ask, createCrunchMetrics(createMetrics("test")));

    const first = watch.look();
    await watch.look();
    assert.equal(asked, 1);

    reply?.({ pendingMessages: 0, unackedMessages: 0, lastSequence: 0 });
    await first;
    void watch.look();
    watch.close();
    assert.equal(asked, 2);
  });
});
