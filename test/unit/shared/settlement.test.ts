import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { EngineError } from "../../../services/shared/errors.js";
import type { Handler, IncomingMessage, OutgoingMessage } from "../../../services/shared/messaging.js";
import { Parker } from "../../../services/shared/parking.js";
import { handleAndSettle } from "../../../services/shared/settlement.js";
import type { SettlementContext, Settler } from "../../../services/shared/settlement.js";

/** How a handler ends, and how parking does if it comes to that. */
const ending = fc.oneof(
  fc.constant(undefined),
  fc.record({
    action: fc.constantFrom("retry", "park", "stop"),
    retryAfterMs: fc.option(fc.integer({ min: -5, max: 100_000 }), { nil: undefined }),
  }),
  fc.constantFrom<unknown>(new Error("surprise"), "text", null, 7),
);

describe("settling a message", () => {
  it("acks only what was handled or parked, and else redelivers or leaves it: exactly one of them", async () => {
    const deliveries = fc.integer({ min: 1, max: 100 });
    await fc.assert(
      fc.asyncProperty(ending, deliveries, fc.boolean(), async (end, count, isParkable) => {
        const events: string[] = [];
        const parked: OutgoingMessage[] = [];
        const parker = new Parker(
          {
            publish: (message) => {
              if (!isParkable) return Promise.reject(new EngineError("aborted", "stop", "no room"));
              parked.push(message);
              events.push("parked");
              return Promise.resolve({ stream: "PARKED", sequence: 1, duplicate: false });
            },
            blockedBy: () => undefined,
          },
          "test",
        );
        const handler = (): Promise<void> => {
          if (end === undefined) return Promise.resolve();

          throw thrownOf(end);
        };
        let delayMs = -1;
        const settler = {
          ack: () => void events.push("ack"),
          redeliver: (ms: number) => {
            delayMs = ms;
            events.push("redeliver");
          },
        };
        const context = { parker, parkSignal: new AbortController().signal, warn: () => undefined };

        const stop = await settle(handler, messageOf(count), settler, context);

        const action = end === undefined ? "none" : actionOf(end);
        if (action === "none") assert.deepEqual(events, ["ack"]);
        else if (action === "stop") assert.deepEqual(events, []);
        else if (action === "park" && isParkable) assert.deepEqual(events, ["parked", "ack"]);
        else assert.deepEqual(events, ["redeliver"]);
        assert.equal(stop !== undefined, action === "stop");
        if (events.includes("redeliver")) assert.ok(delayMs >= 0 && delayMs <= 100_000, String(delayMs));
        for (const message of parked) assert.deepEqual(message.payload, messageOf(count).payload);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a message that belongs to a trace", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  for (const [name, action, isParkable] of [
    ["comes again", "retry", true],
    ["is parked", "park", true],
    ["cannot be parked yet", "park", false],
  ] as const) {
    it(`and ${name} is told with the id of its trace`, async () => {
      const lines: Readonly<Record<string, unknown>>[] = [];
      const parked: OutgoingMessage[] = [];
      const publisher = {
        publish: (message: OutgoingMessage) => {
          parked.push(message);
          return isParkable
            ? Promise.resolve({ stream: "PARKED", sequence: 1, duplicate: false })
            : Promise.reject(new EngineError("aborted", "stop", "no room"));
        },
        blockedBy: () => undefined,
      };
      const warn = (details: Readonly<Record<string, unknown>>): void => void lines.push(details);
      const parker = new Parker(publisher, "test", { warn });
      const context = { parker, parkSignal: new AbortController().signal, warn };
      const settler = { ack: () => undefined, redeliver: () => undefined };
      const handler = () => Promise.reject(new EngineError("code", action, "why"));

      await settle(handler, { ...messageOf(1), trace: { traceparent } }, settler, context);

      assert.deepEqual(
        lines.map((line) => line.trace_id),
        ["0af7651916cd43dd8448eb211c80319c"],
      );
      for (const { headers } of parked) assert.equal(headers?.traceparent, traceparent);
    });
  }
});

/** @returns what the settler was told last */
function settle(
  handler: Handler,
  message: IncomingMessage,
  settler: Omit<Settler, "settled">,
  context: SettlementContext,
): Promise<EngineError | undefined> {
  return new Promise((settled) => handleAndSettle(handler, message, { ...settler, settled }, context));
}

function actionOf(end: unknown): string {
  return typeof end === "object" && end !== null && "action" in end ? String(end.action) : "retry";
}

function thrownOf(end: unknown): unknown {
  if (typeof end !== "object" || end === null || !("action" in end)) return end;
  const { action, retryAfterMs } = end as { action: "retry" | "park" | "stop"; retryAfterMs?: number };
  return new EngineError("code", action, "why", retryAfterMs === undefined ? {} : { retryAfterMs });
}

function messageOf(deliveries: number): IncomingMessage {
  return {
    topic: "data",
    isFrame: false,
    payload: Uint8Array.of(1, 2, 3),
    headers: {},
    trace: undefined,
    origin: {
      stream: "DATA",
      streamCreatedAt: "2026-01-01T00:00:00Z",
      sequence: 1,
      storedAtNs: 0n,
      deliveries,
    },
  };
}
