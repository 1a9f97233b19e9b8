import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answered, drained } from "../../../services/local/drained.js";
import type { Backlog, Topic } from "../../../services/shared/messaging.js";

const backlog = (pendingMessages: number, unackedMessages: number): Backlog => ({
  pendingMessages,
  unackedMessages,
  lastSequence: 9,
  bytes: 0,
  maxBytes: 1,
});

describe("the wait for empty stages", () => {
  it("ends when data and then results have nothing pending and nothing unacked", async () => {
    const answers: Record<Topic, (Backlog | Error)[]> = {
      data: [backlog(2, 0), backlog(0, 1), new Error("server is away"), backlog(0, 0)],
      results: [backlog(1, 1), backlog(0, 0)],
    };
    const asked: Topic[] = [];
    const delivered: string[] = [];

    const isEmpty = await drained(
      {
        backlog: (topic) => {
          asked.push(topic);
          const next = answers[topic].shift() ?? new Error("asked too often");
          return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
        },
      },
      new AbortController().signal,
      (topic) => delivered.push(`${topic} after ${String(asked.length)}`),
    );

    assert.equal(isEmpty, true);
    assert.deepEqual(delivered, ["data after 2", "results after 6"]);
    assert.deepEqual(asked, ["data", "data", "data", "data", "results", "results"]);
  });

  it("looks seldom while there is much to deliver, and often near the end", async () => {
    const answers: Record<Topic, Backlog[]> = {
      data: [backlog(5_000, 40), backlog(101, 40), backlog(100, 40), backlog(0, 40), backlog(0, 0)],
      results: [backlog(0, 0)],
    };
    const waits: number[] = [];

    await drained(
      { backlog: (topic) => Promise.resolve(answers[topic].shift() ?? backlog(0, 0)) },
      new AbortController().signal,
      undefined,
      (ms) => Promise.resolve(waits.push(ms)),
    );

    assert.deepEqual(waits, [200, 200, 20, 20]);
  });

  it("ends without them when it was given up", async () => {
    const patience = new AbortController();
    const waiting = drained({ backlog: () => Promise.resolve(backlog(1, 0)) }, patience.signal);
    patience.abort();

    assert.equal(await waiting, false);
  });
});

describe("a question to the server", () => {
  it("is asked again until it is answered", async () => {
    let asked = 0;
    const ask = (): Promise<number> =>
      (asked += 1) < 3 ? Promise.reject(new Error("away")) : Promise.resolve(asked);

    assert.equal(await answered(ask, 0), 3);
  });

  it("is given up in the end, with the last refusal", async () => {
    await assert.rejects(
      answered(() => Promise.reject(new Error("gone for good")), 0),
      {
        name: "EngineError",
        message: "NATS does not answer: gone for good",
      },
    );
  });
});
