/** What the parts of the messaging contract share. */
import { test } from "node:test";
import type { ParkedStore } from "../../services/shared/parked-store.js";
import type { Collected } from "../support/collect.js";
import type { Consumer, Messaging, StoredConfirm, Subject, Topic } from "../../services/shared/messaging.js";

/** Fresh, empty streams of one implementation. */
export interface MessagingUnderTest {
  readonly messaging: Messaging;
  readonly store: ParkedStore;
  /** Payloads on `parked.<topic>`, oldest first. */
  parkedPayloads(topic: Topic): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

/** Opens streams that hold `maxBytes` each. */
export type OpenMessaging = (options: { readonly maxBytes: number }) => Promise<MessagingUnderTest>;

/** Declares a test with messaging of its own, so that all of them can run at once. */
export type Check = (
  title: string,
  body: (messaging: Messaging, under: MessagingUnderTest) => Promise<void>,
  maxBytes?: number,
) => void;

export function checksOf(open: OpenMessaging): Check {
  return (title, body, maxBytes = 16_777_216) => {
    test(title, async () => {
      const under = await open({ maxBytes });
      try {
        await body(under.messaging, under);
      } finally {
        await under.close();
      }
    });
  };
}

/** Short, and still longer than a busy machine keeps a process waiting: heartbeats must not come too late. */
export const ackWaitMs = 2_000;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function publish(
  messaging: Messaging,
  text: string,
  subject: Subject = "data",
): Promise<StoredConfirm> {
  return messaging.publisher.publish({ subject, payload: bytesOf(text), messageId: `id-${text}` });
}

export function consumerOf(messaging: Messaging, maxInFlight = 10): Promise<Consumer> {
  return messaging.consumer({ topic: "data", maxInFlight, ackWaitMs });
}

/** What was handled, each text once. */
export function distinctTexts(...collected: readonly Collected[]): ReadonlySet<string> {
  return new Set(collected.flatMap(({ messages }) => messages.map(({ payload }) => textOf(payload))));
}

/** True if nothing waits and nothing is in hand. */
export async function isIdle(messaging: Messaging): Promise<boolean> {
  const { pendingMessages, unackedMessages } = await messaging.backlog("data");
  return pendingMessages === 0 && unackedMessages === 0;
}
