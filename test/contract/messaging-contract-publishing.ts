/** Storing, refusing and holding back; what arrives is what was sent. */
import assert from "node:assert/strict";
import { HEADER } from "../../services/shared/messaging.js";
import { collect } from "../support/collect.js";
import { until } from "../support/until.js";
import {
  ackWaitMs,
  bytesOf,
  consumerOf,
  distinctTexts,
  isIdle,
  publish,
  textOf,
} from "./messaging-contract-kit.js";
import type { Check } from "./messaging-contract-kit.js";

export function publishingContract(check: Check): void {
  check("a publish resolves with the place where the message is stored", async (messaging) => {
    const first = await publish(messaging, "a");
    const second = await publish(messaging, "b", "data.frame");
    assert.equal(first.sequence, 1);
    assert.equal(second.sequence, 2);
    assert.equal(first.duplicate, false);
    assert.equal(first.stream, second.stream);
    const { lastSequence, bytes } = await messaging.backlog("data");
    assert.equal(lastSequence, 2);
    assert.ok(bytes >= 2, `${String(bytes)} bytes kept`);
  });

  check("a message whose id is known is confirmed as duplicate and not stored again", async (messaging) => {
    const first = await publish(messaging, "a");
    const again = await publish(messaging, "a");
    assert.deepEqual(again, { ...first, duplicate: true });
    assert.equal((await messaging.backlog("data")).pendingMessages, 1);
  });

  check(
    "what is delivered has the bytes, topic, headers and origin of what was published",
    async (messaging) => {
      const payload = new Uint8Array(100_000).map((_, index) => (index * 31) & 255);
      const sentMs = Date.now();
      await messaging.publisher.publish({
        subject: "data",
        payload: new Uint8Array(0),
        messageId: "empty",
      });
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
      const storedAtMs = Number(frame.origin.storedAtNs / 1_000_000n);
      assert.ok(storedAtMs >= sentMs - 1 && storedAtMs <= Date.now(), String(storedAtMs - sentMs));
      assert.ok(!Number.isNaN(Date.parse(frame.origin.streamCreatedAt)));
    },
  );

  check("the payload may be reused once the publish has resolved", async (messaging) => {
    const payload = bytesOf("before");
    await messaging.publisher.publish({ subject: "data", payload, messageId: "reused" });
    payload.fill(0);
    const seen = collect(await consumerOf(messaging));
    await until(() => seen.messages.length === 1);
    await seen.stop();
    assert.equal(textOf(seen.messages[0]?.payload ?? payload), "before");
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
      await until(() => (messaging.publisher.blockedBy() ?? "").includes("DATA is full"));
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
      const held = messaging.publisher.publish(
        { subject: "data", payload, messageId: "held" },
        controller.signal,
      );
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
      await messaging.publisher.publish({
        subject: "data.frame",
        payload: bytesOf(position),
        messageId: position,
        headers,
      });
    }
    await publish(messaging, "other subject");
    assert.equal((await messaging.lastHeaders("data.frame"))?.[HEADER.position], "10");
  });

  check("the newest headers of one's own are found behind messages of others", async (messaging) => {
    const mine = { header: HEADER.run, value: "mine" };
    const frame = async (id: string, headers: Record<string, string>): Promise<void> => {
      await messaging.publisher.publish({
        subject: "data.frame",
        payload: bytesOf(id),
        messageId: id,
        headers,
      });
    };
    await frame("a", { [HEADER.run]: "other" });
    assert.equal(await messaging.lastHeaders("data.frame", mine), undefined);
    await frame("b", { [HEADER.run]: "mine", [HEADER.position]: "5" });
    await frame("c", { [HEADER.run]: "mine", [HEADER.position]: "10" });
    await frame("d", {});
    await publish(messaging, "other subject");
    assert.equal((await messaging.lastHeaders("data.frame", mine))?.[HEADER.position], "10");
  });

  check("the two topics do not mix", async (messaging) => {
    await publish(messaging, "d");
    await publish(messaging, "r", "results.frame");
    const results = collect(await messaging.consumer({ topic: "results", maxInFlight: 5, ackWaitMs }));
    await until(() => results.messages.length === 1);
    await results.stop();
    assert.deepEqual(
      results.messages.map((message) => [message.topic, textOf(message.payload)]),
      [["results", "r"]],
    );
    assert.equal((await messaging.backlog("data")).pendingMessages, 1);
    assert.equal((await messaging.backlog("results")).pendingMessages, 0);
  });

  check("many publishes at once are all stored, and all delivered", async (messaging) => {
    const total = 3_000;
    const ids = Array.from({ length: total }, (_, index) => String(index));
    const confirms = await Promise.all(ids.map((id) => publish(messaging, id)));
    assert.equal(new Set(confirms.map((confirm) => confirm.sequence)).size, total);
    const seen = collect(await consumerOf(messaging, 64));
    await until(async () => seen.messages.length >= total && (await isIdle(messaging)), 30_000);
    await seen.stop();
    assert.equal(distinctTexts(seen).size, total);
    assert.equal(seen.messages.filter(({ origin }) => origin.deliveries === 1).length, total);
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
}
