import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { watchBacklog } from "../../../services/shared/backlog-watch.js";
import type { EngineContext } from "../../../services/shared/engine.js";
import type { Backlog, Messaging } from "../../../services/shared/messaging.js";
import { createMetrics } from "../../../services/shared/metrics.js";
import { until } from "../../support/until.js";

/** Watches a stage whose server gives the answers in turn; the last one again and again. */
async function watched(answers: readonly (Backlog | Error)[]): Promise<{
  value: (name: string) => Promise<number | undefined>;
  asked: () => number;
  end: () => void;
}> {
  const metrics = createMetrics("test");
  const releases: (() => Promise<void> | void)[] = [];
  let asked = 0;
  const backlog = (): Promise<Backlog> => {
    const answer = answers[Math.min(asked, answers.length - 1)];
    asked += 1;
    return answer instanceof Error || answer === undefined
      ? Promise.reject(answer ?? new Error())
      : Promise.resolve(answer);
  };
  const context = {
    metrics,
    defer: (release: () => void) => releases.push(release),
  } as unknown as EngineContext;
  await watchBacklog(context, { backlog } as unknown as Messaging, "data", "crunch", 1);
  return {
    value: async (name) => {
      const metric = await metrics.registry.getSingleMetric(name)?.get();
      return metric?.values[0]?.value;
    },
    asked: () => asked,
    end: () => {
      for (const release of releases) void release();
    },
  };
}

describe("watchBacklog", () => {
  it("knows the backlog from its start and keeps it fresh", async () => {
    const watch = await watched([
      { pendingMessages: 5, unackedMessages: 2, lastSequence: 7, bytes: 0, maxBytes: 1 },
      { pendingMessages: 1, unackedMessages: 0, lastSequence: 7, bytes: 0, maxBytes: 1 },
    ]);

    await until(async () => (await watch.value("crunch_pending_messages")) === 1);
    assert.equal(await watch.value("crunch_unacked_messages"), 0);
    watch.end();
  });

  it("keeps the last value while the server is away, and asks on", async () => {
    const watch = await watched([
      { pendingMessages: 5, unackedMessages: 2, lastSequence: 7, bytes: 0, maxBytes: 1 },
      new Error("away"),
    ]);

    await until(() => watch.asked() > 3);
    assert.equal(await watch.value("crunch_pending_messages"), 5);
    watch.end();
  });
});
