import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AppendListeners } from "../../../services/results-engine/sinks/bigquery/append-client.js";
import { Appends } from "../../../services/results-engine/sinks/bigquery/append.js";
import type { RowRequest } from "../../../services/results-engine/sinks/bigquery/rows.js";
import { ManualClock } from "../../support/manual-clock.js";

/** A request of one row. */
function request(bytes: number): RowRequest {
  return {
    body: Buffer.alloc(bytes),
    count: 1,
    starts: Uint32Array.of(0),
    ends: Uint32Array.of(bytes),
    parts: new Uint32Array(1),
    rows: new Uint32Array(1),
    late: new Uint8Array(1),
  };
}

/** Appends whose other end is the test. */
function appends() {
  const clock = new ManualClock();
  const sent: number[] = [];
  const listeners: AppendListeners[] = [];
  const transport = new Appends((heard) => {
    listeners.push(heard);
    return Promise.resolve({
      write: ([row]) => void sent.push(row?.length ?? 0),
      destroy: () => undefined,
    });
  }, clock);
  const turn = (): Promise<void> => new Promise(setImmediate);
  return { transport, clock, sent, listeners, turn };
}

describe("appends on their way", () => {
  it("have 16 MB at most; a larger one goes alone", async () => {
    const { transport, sent, listeners, turn } = appends();
    const { signal } = new AbortController();

    const ends = [9e6, 6e6, 2e6, 17e6, 1].map((bytes) => transport.send(request(bytes), 1, signal));
    await turn();
    assert.deepEqual(sent, [9e6, 6e6]);
    for (const count of [3, 3, 4, 5, 5]) {
      listeners[0]?.answered({ appendResult: {} });
      await turn();
      assert.equal(sent.length, count);
    }

    assert.deepEqual(await Promise.all(ends), Array(5).fill({ errors: [] }));
    assert.equal(listeners.length, 1);
  });

  it("do not begin when they had to wait until the engine stops", async () => {
    const { transport, clock, sent, turn } = appends();
    const stopping = new AbortController();

    const first = transport.send(request(16e6), 8_000, stopping.signal);
    const second = transport.send(request(16e6), 8_000, stopping.signal);
    await turn();
    stopping.abort();
    clock.expireDeadlines(5_000);
    const ends = await Promise.all([first, second]);

    assert.deepEqual(sent, [16e6]);
    assert.ok(ends.every((end) => "failure" in end && end.failure.kind === "retry"));
    assert.equal(clock.openDeadlines, 0);
  });

  it("share a connection until it ends, and the next one has another", async () => {
    const { transport, sent, listeners, turn } = appends();
    const { signal } = new AbortController();
    const both = [1, 2].map((bytes) => transport.send(request(bytes), 1, signal));
    await turn();

    listeners[0]?.ended({ code: 14, details: "gone" });
    const ends = await Promise.all(both);
    const third = transport.send(request(3), 1, signal);
    await turn();
    // What the old one says late is about nothing any more.
    listeners[0]?.answered({ appendResult: {} });
    listeners[1]?.answered({ appendResult: {} });

    assert.ok(ends.every((end) => "failure" in end));
    assert.deepEqual(await third, { errors: [] });
    assert.deepEqual(sent, [1, 2, 3]);
  });
});
