/** The trace of a message is handed on as it came, and kept by what is parked. */
import assert from "node:assert/strict";
import { EngineError } from "../../services/shared/errors.js";
import { collect } from "../support/collect.js";
import { until } from "../support/until.js";
import { bytesOf, consumerOf, isIdle } from "./messaging-contract-kit.js";
import type { Check } from "./messaging-contract-kit.js";

const trace = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=1,b@c=2:3",
};

export function tracingContract(check: Check): void {
  for (const subject of ["data", "data.frame"] as const) {
    check(`the trace of a message on ${subject} reaches the handler at every delivery`, async (messaging) => {
      const payload = bytesOf(subject);
      await messaging.publisher.publish({ subject, payload, messageId: "traced", headers: { ...trace } });
      await messaging.publisher.publish({ subject, payload, messageId: "untraced", headers: { a: "b" } });
      const seen = collect(await consumerOf(messaging), ({ origin }) =>
        origin.deliveries > 1
          ? Promise.resolve()
          : Promise.reject(new EngineError("busy", "retry", "not now", { retryAfterMs: 10 })),
      );
      await until(async () => seen.messages.length === 4 && (await isIdle(messaging)), 30_000);
      await seen.stop();

      for (const { origin, trace: seenTrace } of seen.messages) {
        assert.deepEqual(seenTrace, origin.sequence === 1 ? trace : undefined);
      }
    });
  }

  check("a trace is found whatever the case of its header's name", async (messaging) => {
    const { traceparent } = trace;
    const names = ["Traceparent", "TRACEPARENT", "traceparent"];
    for (const name of names) {
      const message = { subject: "data", payload: new Uint8Array(0), messageId: name } as const;
      await messaging.publisher.publish({ ...message, headers: { Other: "1", [name]: traceparent } });
    }
    const seen = collect(await consumerOf(messaging));
    await until(() => seen.messages.length === names.length, 30_000);
    await seen.stop();

    for (const message of seen.messages) assert.deepEqual(message.trace, { traceparent });
  });

  check("a parked message keeps its trace, and its entry has it", async (messaging, { store }) => {
    const message = { subject: "data", payload: bytesOf("poison") } as const;
    await messaging.publisher.publish({ ...message, messageId: "traced", headers: { ...trace } });
    await messaging.publisher.publish({ ...message, messageId: "untraced" });
    const seen = collect(await consumerOf(messaging), () =>
      Promise.reject(new EngineError("undecodable", "park", "no record")),
    );
    await until(async () => seen.messages.length === 2 && (await isIdle(messaging)), 30_000);
    await seen.stop();

    const traces: unknown[] = [];
    for await (const { origin, trace: kept } of store.entries()) traces[origin?.sequence ?? 0] = kept;
    assert.deepEqual(traces.slice(1), [trace, undefined]);
  });
}
