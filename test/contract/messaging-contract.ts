/** What every implementation of Messaging owes the engines. Called once per implementation. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EngineError } from "../../services/shared/errors.js";
import { HEADER } from "../../services/shared/messaging.js";
import type { Messaging, Subject, Topic } from "../../services/shared/messaging.js";
import { Gate, collect } from "../support/collect.js";
import { until } from "../support/until.js";

/** Fresh, empty streams of one implementation. */
export interface MessagingUnderTest {
  readonly messaging: Messaging;
  /** Payloads on `parked.<topic>`, oldest first. */
  parkedPayloads(topic: Topic): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

/** Opens streams that hold `maxBytes` each. */
export type OpenMessaging = (options: { readonly maxBytes: number }) => Promise<MessagingUnderTest>;

/** The shortest ack wait that the settings allow. */
const ackWaitMs = 1_000;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function messagingContract(name: string, open: OpenMessaging): void {
  /** A test with messaging of its own, so that all of them run at once. */
  const check = (
    title: string,
    body: (messaging: Messaging, under: MessagingUnderTest) => Promise<void>,
    maxBytes = 16_777_216,
  ): void => {
    test(title, async () => {
      const under = await open({ maxBytes });
      try {
        await body(under.messaging, under);
      } finally {
        await under.close();
      }
    });
  };
  const publish = (messaging: Messaging, text: string, subject: Subject = "data") =>
    messaging.publisher.publish({ subject, payload: bytesOf(text), messageId: `id-${text}` });
  const consumerOf = (messaging: Messaging, maxInFlight = 10) =>
    messaging.consumer({ topic: "data", maxInFlight, ackWaitMs });
  const isIdle = async (messaging: Messaging): Promise<boolean> => {
    const { pendingMessages, unackedMessages } = await messaging.backlog("data");
    return pendingMessages === 0 && unackedMessages === 0;
  };

  describe(`${name} keeps the messaging contract`, { concurrency: true }, () => {
    check("a publish resolves with the place where the message is stored", async (messaging) => {
      const first = await publish(messaging, "a");
      const second = await publish(messaging, "b", "data.frame");
      assert.equal(first.sequence, 1);
      assert.equal(second.sequence, 2);
      assert.equal(first.duplicate, false);
      assert.equal(first.stream, second.stream);
      assert.equal((await messaging.backlog("data")).lastSequence, 2);
    });

    check("a message whose id is known is confirmed as duplicate and not stored again", async (messaging) => {
      const first = await publish(messaging, "a");
      const again = await publish(messaging, "a");
      assert.deepEqual(again, { ...first, duplicate: true });
      assert.equal((await messaging.backlog("data")).pendingMessages, 1);
    });

    check("what is delivered has the bytes, topic, headers and origin of what was published", async (messaging) => {
      const payload = new Uint8Array(100_000).map((_, index) => (index * 31) & 255);
      const sentMs = Date.now();
      await messaging.publisher.publish({ subject: "data", payload: new Uint8Array(0), messageId: "empty" });
      await messaging.publisher.publish({
        subject: "data.frame",
        payload,
        messageId: "frame",
        headers: { [HEADER.records]: "7", [HEADER.run]: "r 1:2" },
      });
      const seen = collect(await consumerOf(messaging));
      await until(() => seen.messages.length === 2);
      await seen.stop();
      const [single, frame] = seen.messages;
      assert.ok(single !== undefined && frame !== undefined);
      assert.deepEqual([single.topic, single.isFrame, single.payload.length], ["data", false, 0]);
      assert.deepEqual([frame.topic, frame.isFrame], ["data", true]);
      assert.ok(Buffer.from(frame.payload).equals(payload));
      assert.equal(frame.headers[HEADER.records], "7");
      assert.equal(frame.headers[HEADER.run], "r 1:2");
      assert.equal(frame.origin.sequence, 2);
      assert.equal(frame.origin.deliveries, 1);
      assert.ok(Math.abs(Number(frame.origin.storedAtNs / 1_000_000n) - sentMs) < 5_000);
      assert.ok(!Number.isNaN(Date.parse(frame.origin.streamCreatedAt)));
    });

    check("the payload may be reused once the publish has resolved", async (messaging) => {
      const payload = bytesOf("before");
      await messaging.publisher.publish({ subject: "data", payload, messageId: "reused" });
      payload.fill(0);
      const seen = collect(await consumerOf(messaging));
      await until(() => seen.messages.length === 1);
      await seen.stop();
      assert.equal(textOf(seen.messages[0]?.payload ?? payload), "before");
    });

    check("a message whose handler resolves is acked and never comes again", async (messaging) => {
      await publish(messaging, "a");
      const first = collect(await consumerOf(messaging));
      await until(() => first.messages.length === 1);
      await first.stop();
      assert.ok(await isIdle(messaging));
      const later = collect(await consumerOf(messaging));
      await publish(messaging, "b");
      await until(() => later.messages.length > 0);
      await later.stop();
      assert.deepEqual(later.messages.map((message) => textOf(message.payload)), ["b"]);
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
      await until(() => next.messages.length === 1, 5_000);
      await next.stop();
      assert.equal(next.messages[0]?.origin.deliveries, 2);
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
      const backlog = await messaging.backlog("data");
      assert.deepEqual([backlog.unackedMessages + backlog.pendingMessages, run.messages.length], [2, 2]);
    });

    check("no more than maxInFlight messages are handled at once, and that many are", async (messaging) => {
      for (let index = 0; index < 40; index += 1) await publish(messaging, String(index));
      let running = 0;
      let most = 0;
      let handled = 0;
      const seen = collect(await consumerOf(messaging, 7), async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        handled += 1;
      });
      await until(() => handled === 40);
      await seen.stop();
      assert.equal(most, 7);
    });

    check("two consumers share the messages, each to one of them", async (messaging) => {
      const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
      const first = collect(await consumerOf(messaging, 4), pause);
      const second = collect(await consumerOf(messaging, 4), pause);
      for (let index = 0; index < 100; index += 1) await publish(messaging, String(index));
      await until(() => first.messages.length + second.messages.length === 100);
      await Promise.all([first.stop(), second.stop()]);
      assert.ok(first.messages.length > 0 && second.messages.length > 0);
      const texts = [...first.messages, ...second.messages].map((message) => textOf(message.payload));
      assert.equal(new Set(texts).size, 100);
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
      assert.ok(await isIdle(messaging));
    });

    check("an abort takes no more messages, finishes those in hand and leaves the rest", async (messaging) => {
      for (let index = 0; index < 20; index += 1) await publish(messaging, String(index));
      const gate = new Gate();
      const seen = collect(await consumerOf(messaging, 4), () => gate.opened);
      await until(() => seen.messages.length === 4);
      const stopped = seen.stop();
      gate.open();
      await stopped;
      assert.equal(seen.messages.length, 4);
      const rest = collect(await consumerOf(messaging, 20));
      // At once: nothing waits for the ack wait of a consumer that left.
      await until(() => rest.messages.length === 16, ackWaitMs / 2);
      await rest.stop();
      assert.ok(await isIdle(messaging));
    });

    check("a run that is aborted before it starts handles nothing", async (messaging) => {
      await publish(messaging, "a");
      const consumer = await consumerOf(messaging);
      await consumer.run(() => Promise.reject(new Error("must not be called")), AbortSignal.abort());
      assert.equal((await messaging.backlog("data")).pendingMessages, 1);
    });

    check(
      "a full stream holds publishers back and flows again once messages are finished",
      async (messaging) => {
        const total = 60;
        let confirmed = 0;
        const all = Array.from({ length: total }, async (_, index) => {
          const payload = new Uint8Array(10_000).fill(index);
          await messaging.publisher.publish({ subject: "data.frame", payload, messageId: `big-${index}` });
          confirmed += 1;
        });
        await until(() => messaging.publisher.blockedBy() !== undefined);
        assert.match(messaging.publisher.blockedBy() ?? "", /DATA is full/);
        assert.ok(confirmed < total);
        const seen = collect(await consumerOf(messaging));
        await Promise.all(all);
        await until(() => seen.messages.length === total);
        await seen.stop();
        assert.equal(new Set(seen.messages.map((message) => message.payload[0])).size, total);
        await until(() => messaging.publisher.blockedBy() === undefined);
      },
      200_000,
    );

    check(
      "a publish that is held back ends when its signal aborts",
      async (messaging) => {
        const payload = new Uint8Array(30_000);
        await messaging.publisher.publish({ subject: "data", payload, messageId: "fits" });
        const controller = new AbortController();
        const held = messaging.publisher.publish({ subject: "data", payload, messageId: "held" }, controller.signal);
        await until(() => messaging.publisher.blockedBy() !== undefined);
        controller.abort();
        await assert.rejects(held, { code: "aborted", action: "stop" });
        await until(() => messaging.publisher.blockedBy() === undefined);
      },
      50_000,
    );

    check("a message larger than the server allows is refused with the limit", async (messaging) => {
      const payload = new Uint8Array(1_048_577);
      await assert.rejects(messaging.publisher.publish({ subject: "data", payload, messageId: "huge" }), {
        code: "too_large",
        action: "stop",
        message: /1048576/,
      });
      assert.equal((await messaging.backlog("data")).lastSequence, 0);
    });

    check("the newest headers of a subject are those of its last message", async (messaging) => {
      assert.equal(await messaging.lastHeaders("data.frame"), undefined);
      for (const position of ["5", "10"]) {
        const headers = { [HEADER.position]: position };
        await messaging.publisher.publish({ subject: "data.frame", payload: bytesOf(position), messageId: position, headers });
      }
      await publish(messaging, "other subject");
      assert.equal((await messaging.lastHeaders("data.frame"))?.[HEADER.position], "10");
    });

    check("the two topics do not mix", async (messaging) => {
      await publish(messaging, "d");
      await publish(messaging, "r", "results.frame");
      const results = collect(await messaging.consumer({ topic: "results", maxInFlight: 5, ackWaitMs }));
      await until(() => results.messages.length === 1);
      await results.stop();
      assert.deepEqual(results.messages.map((message) => [message.topic, textOf(message.payload)]), [["results", "r"]]);
      assert.equal((await messaging.backlog("data")).pendingMessages, 1);
      assert.equal((await messaging.backlog("results")).pendingMessages, 0);
    });

    check("many publishes at once are all stored, and all delivered", async (messaging) => {
      const total = 3_000;
      const ids = Array.from({ length: total }, (_, index) => String(index));
      const confirms = await Promise.all(ids.map((id) => publish(messaging, id)));
      assert.equal(new Set(confirms.map((confirm) => confirm.sequence)).size, total);
      const seen = collect(await consumerOf(messaging, 64));
      await until(async () => seen.messages.length >= total && (await isIdle(messaging)));
      await seen.stop();
      assert.equal(new Set(seen.messages.map((message) => textOf(message.payload))).size, total);
      assert.equal(seen.messages.length, total);
    });

    check("closing twice is fine, and what comes after is refused", async (messaging) => {
      const run = collect(await consumerOf(messaging));
      assert.equal(messaging.state().ok, true);
      await messaging.close();
      await messaging.close();
      assert.equal(messaging.state().ok, false);
      await assert.rejects(run.ended, { action: "stop" });
      await assert.rejects(publish(messaging, "late"), { action: "stop" });
    });
  });
}
