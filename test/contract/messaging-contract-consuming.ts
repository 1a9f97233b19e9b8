/** The ack contract, bounds, sharing and the end of a run. */
import assert from "node:assert/strict";
import { EngineError } from "../../services/shared/errors.js";
import { HEADER } from "../../services/shared/messaging.js";
import { Gate, collect } from "../support/collect.js";
import { until } from "../support/until.js";
import { ackWaitMs, consumerOf, distinctTexts, isIdle, publish, textOf } from "./messaging-contract-kit.js";
import type { Check } from "./messaging-contract-kit.js";

export function consumingContract(check: Check): void {
  check("a message whose handler resolves is acked and never comes again", async (messaging) => {
    await publish(messaging, "a");
    const first = collect(await consumerOf(messaging));
    await until(() => first.messages.length === 1);
    await first.stop();
    await until(() => isIdle(messaging));
    const later = collect(await consumerOf(messaging));
    await publish(messaging, "b");
    await until(() => later.messages.length > 0);
    await later.stop();
    assert.deepEqual(
      later.messages.map((message) => textOf(message.payload)),
      ["b"],
    );
  });

  check("a retry brings the same message again after the delay, and counts deliveries", async (messaging) => {
    await publish(messaging, "a");
    const timesMs: number[] = [];
    const seen = collect(await consumerOf(messaging), (message) => {
      timesMs.push(performance.now());
      if (message.origin.deliveries > 1) return Promise.resolve();
      return Promise.reject(new EngineError("busy", "retry", "not now", { retryAfterMs: 300 }));
    });
    await until(() => seen.messages.length === 2);
    await until(() => isIdle(messaging));
    await seen.stop();
    const [first, second] = seen.messages;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(second.origin, { ...first.origin, deliveries: 2 });
    assert.ok((timesMs[1] ?? 0) - (timesMs[0] ?? 0) >= 280, "came before its delay");
  });

  check("an error that is no EngineError is a retry", async (messaging) => {
    await publish(messaging, "a");
    const seen = collect(await consumerOf(messaging), (message) =>
      message.origin.deliveries > 1 ? Promise.resolve() : Promise.reject(new Error("surprise")),
    );
    await until(() => seen.messages.length === 2);
    await seen.stop();
    assert.equal(await messaging.parkedMessages(), 0);
  });

  check("a parked message is kept with its bytes and reason, and acked", async (messaging, under) => {
    await publish(messaging, "poison");
    await publish(messaging, "good");
    const seen = collect(await consumerOf(messaging), (message) =>
      textOf(message.payload) === "poison"
        ? Promise.reject(new EngineError("undecodable", "park", "byte 0 is 112\nnot 10 — no"))
        : Promise.resolve(),
    );
    await until(async () => seen.messages.length === 2 && (await isIdle(messaging)));
    await seen.stop();
    assert.equal(await messaging.parkedMessages(), 1);
    assert.deepEqual((await under.parkedPayloads("data")).map(textOf), ["poison"]);
    const headers = await messaging.lastHeaders("parked.data");
    assert.equal(headers?.[HEADER.reason], "undecodable");
    assert.equal(headers[HEADER.error], "byte 0 is 112 | not 10 %E2%80%94 no");
    assert.equal(headers[HEADER.sequence], "1");
    assert.equal(headers[HEADER.deliveries], "1");
    assert.equal(await messaging.lastHeaders("parked.results"), undefined);
  });

  check("a stop ends the run and leaves the message for the next consumer", async (messaging) => {
    await publish(messaging, "a");
    const broken = collect(await consumerOf(messaging), () =>
      Promise.reject(new EngineError("sink_gone", "stop", "the table is gone")),
    );
    await assert.rejects(broken.ended, { code: "sink_gone", action: "stop" });
    assert.equal((await messaging.backlog("data")).unackedMessages, 1);
    const next = collect(await consumerOf(messaging));
    await until(() => next.messages.length === 1, 60_000);
    await next.stop();
    // Not the number of deliveries: a redelivery that finds no request starts anew at servers of version 2.9.
    assert.equal(next.messages[0]?.origin.sequence, 1);
  });

  check("a stop lets the other messages in hand finish and acks them", async (messaging) => {
    await publish(messaging, "slow");
    await publish(messaging, "stops");
    const gate = new Gate();
    const run = collect(await consumerOf(messaging), async (message) => {
      if (textOf(message.payload) === "slow") return gate.opened;
      throw new EngineError("sink_gone", "stop", "the table is gone");
    });
    await until(() => run.messages.length === 2);
    let isOver = false;
    run.ended.catch(() => (isOver = true));
    // The failure of a handler is known one turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    await publish(messaging, "after");
    assert.equal(isOver, false);
    gate.open();
    await assert.rejects(run.ended, { code: "sink_gone" });
    assert.equal(run.messages.length, 2);
    // What comes next shows what was acked; the counts of servers of version 2.9 do not: a redelivery that
    // finds no request makes them count a message in hand as waiting, too.
    const next = collect(await consumerOf(messaging));
    await until(async () => next.messages.length >= 2 && (await isIdle(messaging)));
    await next.stop();
    assert.deepEqual(distinctTexts(next), new Set(["stops", "after"]));
  });

  check("no more than maxInFlight messages are handled at once, and that many are", async (messaging) => {
    for (let index = 0; index < 40; index += 1) await publish(messaging, String(index));
    let running = 0;
    let most = 0;
    let handled = 0;
    const gate = new Gate();
    const seen = collect(await consumerOf(messaging, 7), async () => {
      running += 1;
      most = Math.max(most, running);
      // However slowly they come, the first stay until there are as many as may be.
      if (most === 7) gate.open();
      await gate.opened;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      handled += 1;
    });
    await until(() => handled === 40);
    await seen.stop();
    assert.equal(most, 7);
  });

  check("messages beyond maxInFlightBytes wait, and one that is larger comes alone", async (messaging) => {
    const large = "x".repeat(1_000);
    for (let index = 0; index < 150; index += 1) await publish(messaging, `${String(index)} ${large}`);
    await publish(messaging, "y".repeat(9_000));
    await publish(messaging, "the last");
    let inHand = 0;
    let most = 0;
    let handled = 0;
    const options = { topic: "data", maxInFlight: 100, maxInFlightBytes: 5_000, ackWaitMs } as const;
    const seen = collect(await messaging.consumer(options), async (message) => {
      inHand += message.payload.length;
      // How large they are is known only after the first have come.
      if (handled > 70) most = Math.max(most, inHand);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inHand -= message.payload.length;
      handled += 1;
    });
    await until(() => handled === 152);
    await seen.stop();
    assert.ok(most >= 9_000 && most < 15_000, `${String(most)} bytes in hand`);
  });

  check(
    "few messages are in hand where each takes long, from the first on: the rest is for others",
    async (messaging) => {
      for (let index = 0; index < 100; index += 1) await publish(messaging, String(index));
      const pace = { minInFlight: 2, holdMs: 200 };
      let turn = Promise.resolve();
      let inHand = 0;
      let most = 0;
      let handled = 0;
      const options = { topic: "data", maxInFlight: 1_000, pace, ackWaitMs } as const;
      const seen = collect(await messaging.consumer(options), async () => {
        inHand += 1;
        most = Math.max(most, inHand);
        // One at a time, as a thread would: 8 of them in 200 ms.
        turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, 25)));
        await turn;
        inHand -= 1;
        handled += 1;
      });
      await until(() => handled === 100, 60_000);
      await seen.stop();
      assert.ok(most > 0 && most <= 20, `${String(most)} in hand`);
    },
  );

  check("two consumers share the messages, each to one of them", async (messaging) => {
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
    const first = collect(await consumerOf(messaging, 4), pause);
    const second = collect(await consumerOf(messaging, 4), pause);
    for (let index = 0; index < 100; index += 1) await publish(messaging, String(index));
    await until(() => distinctTexts(first, second).size === 100);
    await Promise.all([first.stop(), second.stop()]);
    assert.ok(first.messages.length > 0 && second.messages.length > 0);
    const delivered = [...first.messages, ...second.messages];
    assert.equal(delivered.filter(({ origin }) => origin.deliveries === 1).length, 100);
  });

  check("a message that takes longer than the ack wait is not delivered again", async (messaging) => {
    await publish(messaging, "slow");
    const gate = new Gate();
    const slow = collect(await consumerOf(messaging), () => gate.opened);
    await until(() => slow.messages.length === 1);
    const other = collect(await consumerOf(messaging));
    const startMs = performance.now();
    await until(() => performance.now() - startMs > ackWaitMs * 2.5);
    gate.open();
    await Promise.all([slow.stop(), other.stop()]);
    assert.deepEqual([slow.messages.length, other.messages.length], [1, 0]);
    await until(() => isIdle(messaging));
  });

  check("an abort takes no more messages, finishes those in hand and leaves the rest", async (messaging) => {
    for (let index = 0; index < 20; index += 1) await publish(messaging, String(index));
    const gate = new Gate();
    const open = (maxInFlight: number) =>
      messaging.consumer({ topic: "data", maxInFlight, ackWaitMs: 60_000 });
    const seen = collect(await open(4), () => gate.opened);
    await until(() => seen.messages.length === 4);
    const stopped = seen.stop();
    gate.open();
    await stopped;
    assert.equal(seen.messages.length, 4);
    const rest = collect(await open(20));
    // Nothing waits for the ack wait of a consumer that left.
    await until(() => rest.messages.length === 16);
    await rest.stop();
    await until(() => isIdle(messaging));
  });

  check("an abort in full flow leaves nothing that has to wait for the ack wait", async (messaging) => {
    const total = 4_000;
    await Promise.all(Array.from({ length: total }, (_, index) => publish(messaging, String(index))));
    const handled = new Set<string>();
    const open = () => messaging.consumer({ topic: "data", maxInFlight: 500, ackWaitMs: 60_000 });
    const controller = new AbortController();
    const first = (await open()).run((message) => {
      handled.add(textOf(message.payload));
      if (handled.size === 700) controller.abort();
      return Promise.resolve();
    }, controller.signal);
    await first;
    assert.ok(handled.size < total, "the abort came too late to tell anything");
    const second = collect(await open(), (message) => {
      handled.add(textOf(message.payload));
      return Promise.resolve();
    });
    await until(() => handled.size === total, 30_000, "the rest");
    await second.stop();
  });

  check("messages beyond maxInFlight stay with the stream, for other engines", async (messaging) => {
    for (let index = 0; index < 20; index += 1) await publish(messaging, String(index));
    const gate = new Gate();
    // Long: a message that came again would be counted as waiting and as in hand.
    const patient = { topic: "data", maxInFlight: 3, ackWaitMs: 60_000 } as const;
    const busy = collect(await messaging.consumer(patient), () => gate.opened);
    await until(() => busy.messages.length === 3);
    const startMs = performance.now();
    await until(() => performance.now() - startMs > 800);
    const { pendingMessages, unackedMessages } = await messaging.backlog("data");
    gate.open();
    await busy.stop();
    assert.deepEqual([pendingMessages, unackedMessages], [17, 3]);
  });

  check("a run that is aborted before it starts handles nothing", async (messaging) => {
    await publish(messaging, "a");
    const consumer = await consumerOf(messaging);
    await consumer.run(() => Promise.reject(new Error("must not be called")), AbortSignal.abort());
    assert.equal((await messaging.backlog("data")).pendingMessages, 1);
  });
}
