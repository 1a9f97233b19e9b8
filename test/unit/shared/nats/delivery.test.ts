import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Msg } from "nats";
import { MemoryPool } from "../../../../services/shared/memory-pool.js";
import { NatsIncomingMessage } from "../../../../services/shared/nats/delivery.js";
import { InHand } from "../../../../services/shared/nats/in-hand.js";
import type { Link } from "../../../../services/shared/nats/link.js";

const ORIGIN = { stream: "RESULTS", streamCreatedAt: "", sequence: 1, storedAtNs: 0n, deliveries: 1 };
const LARGE_BYTES = 100_000;
const owner = { link: { sendAck: () => undefined } as unknown as Link, onSettled: () => undefined };

const HEADERS = Buffer.from(
  "NATS/1.0\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
);

/** A message as the client gives it: its headers lie before its payload. */
function taken(memory: MemoryPool, payload: Uint8Array): InHand {
  const bytes = Uint8Array.from([...HEADERS, ...payload]);
  const subject = "results.frame";
  const size = (): number => subject.length + bytes.length;
  const message = { subject, data: bytes.subarray(HEADERS.length), size } as unknown as Msg;
  return new InHand(owner, new NatsIncomingMessage("results", message, ORIGIN, memory), "reply", 0);
}

function filled(value: number, bytes = LARGE_BYTES): Uint8Array {
  return new Uint8Array(bytes).fill(value);
}

describe("a delivered message", () => {
  it("has its large payload in memory of its own, with headers and trace", () => {
    const memory = new MemoryPool();
    const { message } = taken(memory, filled(1));
    message.done();
    assert.equal(memory.take(LARGE_BYTES), message.payload.buffer);
    assert.deepEqual(message.payload, filled(1));
    assert.match(message.headers.traceparent ?? "", /^00-0af765/);
    assert.match(message.trace?.traceparent ?? "", /^00-0af765/);
  });

  it("leaves a small payload where it is", () => {
    const memory = new MemoryPool();
    const small = taken(memory, filled(1, 100));
    assert.deepEqual(small.message.payload, filled(1, 100));
    assert.match(small.message.trace?.traceparent ?? "", /^00-0af765/);
    small.ack();
    assert.notEqual(memory.take(100), small.message.payload.buffer);
  });

  it("gives its memory to the next one once it is acked", () => {
    const memory = new MemoryPool();
    const first = taken(memory, filled(1));
    const second = taken(memory, filled(2, LARGE_BYTES - 10));
    assert.deepEqual(first.message.payload, filled(1));
    first.ack();
    const third = taken(memory, filled(3, LARGE_BYTES - 20));
    assert.equal(third.message.payload.buffer, first.message.payload.buffer);
    assert.deepEqual(third.message.payload, filled(3, LARGE_BYTES - 20));
    assert.deepEqual(second.message.payload, filled(2, LARGE_BYTES - 10));
  });

  it("keeps its memory when it is to come again: what was parked of it may be on its way", () => {
    const memory = new MemoryPool();
    const first = taken(memory, filled(1));
    first.redeliver(0);
    taken(memory, filled(2));
    assert.deepEqual(first.message.payload, filled(1));
  });
});
