/** What JetStream itself carries from Node: the same bytes, no codec, no threads, no bookkeeping. */
import { AckPolicy, StorageType, createInbox } from "nats";
import type { NatsConnection } from "nats";

const WINDOW = 64;
const TURN = 256;

/** Reads and acks every message of a stream. @returns the payloads, and the milliseconds that took */
export async function consumeRaw(
  nc: NatsConnection,
  stream: string,
): Promise<{ payloads: Uint8Array[]; spentMs: number }> {
  const jsm = await nc.jetstreamManager();
  const { state } = await jsm.streams.info(stream);
  const durable = "raw";
  await jsm.consumers.add(stream, { durable_name: durable, ack_policy: AckPolicy.Explicit });
  const consumer = await nc.jetstream().consumers.get(stream, durable);
  const payloads: Uint8Array[] = [];
  const startedAtMs = performance.now();
  const messages = await consumer.consume({ max_messages: TURN });
  for await (const message of messages) {
    payloads.push(message.data.slice());
    message.ack();
    if (payloads.length === state.messages) break;
  }
  await nc.flush();
  const spentMs = performance.now() - startedAtMs;
  await jsm.consumers.delete(stream, durable);
  return { payloads, spentMs };
}

/** Publishes to a new stream, a window of messages in flight. @returns the milliseconds to the last confirm */
export async function publishRaw(nc: NatsConnection, payloads: readonly Uint8Array[]): Promise<number> {
  const jsm = await nc.jetstreamManager();
  const name = "RAW";
  await jsm.streams.add({ name, subjects: ["raw"], storage: StorageType.File });
  const startedAtMs = performance.now();
  await publishWindowed(nc, "raw", payloads.values(), WINDOW);
  const spentMs = performance.now() - startedAtMs;
  await jsm.streams.delete(name);
  return spentMs;
}

/** Publishes on one reply inbox, at most `window` unconfirmed; resolves when all are confirmed. */
export function publishWindowed(
  nc: NatsConnection,
  subject: string,
  payloads: Iterator<Uint8Array>,
  window: number,
): Promise<void> {
  const reply = createInbox();
  return new Promise((resolve, reject) => {
    let inFlight = 0;
    let isEnded = false;
    const send = (): void => {
      while (inFlight < window && !isEnded) {
        const next = payloads.next();
        if (next.done === true) isEnded = true;
        else {
          nc.publish(subject, next.value, { reply });
          inFlight += 1;
        }
      }
      if (!isEnded || inFlight > 0) return;
      confirms.unsubscribe();
      resolve();
    };
    const confirms = nc.subscribe(reply, {
      callback: (error, message) => {
        if (error !== null || message.data.length === 0 || message.string().includes('"error"')) {
          reject(error ?? new Error(`not stored: ${message.string()}`));
          return;
        }
        inFlight -= 1;
        send();
      },
    });
    send();
  });
}
