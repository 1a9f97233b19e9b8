import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../../../services/shared/errors.js";
import type { OutgoingMessage, Publisher } from "../../../services/shared/messaging.js";
import { Parker } from "../../../services/shared/parking.js";

/** Stores each id once and refuses payloads above a limit, as a stream does. */
function publisherUpTo(maxBytes: number): { publisher: Publisher; stored: Map<string, OutgoingMessage> } {
  const stored = new Map<string, OutgoingMessage>();
  const publish = (message: OutgoingMessage): ReturnType<Publisher["publish"]> => {
    if (message.payload.byteLength > maxBytes) {
      return Promise.reject(new EngineError("too_large", "stop", "larger than max_payload"));
    }
    const duplicate = stored.has(message.messageId);
    stored.set(message.messageId, message);
    return Promise.resolve({ stream: "PARKED", sequence: stored.size, duplicate });
  };
  return { publisher: { publish, blockedBy: () => undefined }, stored };
}

const item = {
  topic: "data",
  payload: Uint8Array.of(1, 2, 3, 4, 5),
  reason: "undecodable",
  error: "no MyData",
  id: "7",
} as const;

describe("Parker", () => {
  it("keeps the original bytes with reason, error and engine, once however often it is asked", async () => {
    const { publisher, stored } = publisherUpTo(100);
    const parker = new Parker(publisher, "engine-1");
    await parker.park(item);
    await parker.park(item);

    assert.equal(parker.count, 1);
    const [message] = stored.values();
    assert.equal(message?.subject, "parked.data");
    assert.deepEqual(message.payload, item.payload);
    assert.equal(message.headers?.["Crunch-Reason"], "undecodable");
    assert.equal(message.headers["Crunch-Engine"], "engine-1");
  });

  it("keeps what is too large for one message in two halves, losing no byte", async () => {
    const { publisher, stored } = publisherUpTo(4);
    const parker = new Parker(publisher, "engine-1");
    await parker.park(item);

    const parts = [...stored.values()];
    assert.deepEqual(
      parts.map(({ messageId, headers }) => [messageId, headers?.["Crunch-Part"]]),
      [
        ["parked-7-part1", "1/2"],
        ["parked-7-part2", "2/2"],
      ],
    );
    assert.deepEqual(Buffer.concat(parts.map(({ payload }) => payload)), Buffer.from(item.payload));
    assert.equal(parker.count, 1);
  });

  it("writes errors as one line of ASCII, as a header must be", async () => {
    const { publisher, stored } = publisherUpTo(100);
    await new Parker(publisher, "engine-1").park({ ...item, error: "Error: né\r\n    at cruncher" });

    const [message] = stored.values();
    assert.equal(message?.headers?.["Crunch-Error"], "Error: n%C3%A9 | at cruncher");
  });
});
