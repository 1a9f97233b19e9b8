import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lookAtOutstanding } from "../../../services/data-engine/outstanding-look.js";
import type { Backlog, Messaging, Topic } from "../../../services/shared/messaging.js";

const MAX_PAYLOAD_BYTES = 1_000;

/** Messages and bytes of each stage; 7 records are outstanding when counted. */
function streams(stages: Readonly<Record<Topic, readonly [messages: number, bytes: number]>>) {
  const asked: string[] = [];
  const messaging = {
    backlog: (topic: Topic): Promise<Backlog> => {
      asked.push(topic);
      const [messages, bytes] = stages[topic];
      const stage = { pendingMessages: messages, unackedMessages: 0, lastSequence: 99 };
      return Promise.resolve({ ...stage, bytes, maxBytes: 1_000_000 });
    },
    streamsLook: () => {
      asked.push("count");
      return Promise.resolve({
        data: { records: 10 },
        results: { settledRecords: 2 },
        parked: { fromData: 1 },
      });
    },
  };
  return { messaging: messaging as unknown as Messaging, asked };
}

describe("looking at what is outstanding", () => {
  it("counts nothing where both stages have nothing left, however much their streams keep", async () => {
    const { messaging, asked } = streams({ data: [0, 1e9], results: [0, 1e9] });
    assert.equal(await lookAtOutstanding(messaging, MAX_PAYLOAD_BYTES, 1), 0);
    assert.deepEqual(asked, ["data", "results"]);
  });

  it("takes messages for as full of the smallest records as they can be, but no larger than the stream", async () => {
    const { messaging, asked } = streams({ data: [2, 1e9], results: [3, 600] });
    assert.equal(await lookAtOutstanding(messaging, MAX_PAYLOAD_BYTES, 1_300), 1_000 + 300);
    assert.deepEqual(asked, ["data", "results"]);
  });

  it("counts where that might be too many", async () => {
    const { messaging, asked } = streams({ data: [2, 1e9], results: [3, 600] });
    assert.equal(await lookAtOutstanding(messaging, MAX_PAYLOAD_BYTES, 1_299), 7);
    assert.deepEqual(asked, ["data", "results", "count"]);
  });
});
