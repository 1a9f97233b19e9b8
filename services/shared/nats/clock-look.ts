/** The server's clock, read without storing anything. */
import type { JetStreamManager, NatsConnection } from "nats";
import { messageOf } from "../errors.js";

/** How far our clock is from the server's. */
export interface ClockLook {
  /** Positive if our clock is ahead, in milliseconds. */
  readonly aheadMs: number;
  /** Half of the time that question and answer took, in milliseconds: what the figure may be off by. */
  readonly uncertaintyMs: number;
}

/** The server tells everybody of the account who asks about what, with the time at which it answered. */
const AUDIT_SUBJECT = "$JS.EVENT.ADVISORY.API";
const AUDIT_MS = 1_000;

/**
 * Asks for account information and reads the time off the advisory about that: the only time of its
 * own that a server of every version tells a client that publishes nothing.
 *
 * @returns why the clock is not known, as text
 */
export async function lookAtClock(nc: NatsConnection, jsm: JetStreamManager): Promise<ClockLook | string> {
  let askedMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const audit = new Promise<ClockLook | string>((resolve) => {
    timer = setTimeout(() => resolve("the server sent no API advisory"), AUDIT_MS);
    nc.subscribe(AUDIT_SUBJECT, {
      callback: (error, message) => {
        const answeredMs = Date.now();
        if (error !== null) resolve(`this user may not read ${AUDIT_SUBJECT} (${error.message})`);
        else if (askedMs > 0) resolve(clockOf(message.string(), askedMs, answeredMs));
      },
    });
  });
  try {
    await nc.flush();
    askedMs = Date.now();
    await jsm.getAccountInfo();
    return await audit;
  } catch (thrown) {
    return `this user may not ask for account information (${messageOf(thrown)})`;
  } finally {
    clearTimeout(timer);
  }
}

function clockOf(advisory: string, askedMs: number, answeredMs: number): ClockLook | string {
  let serverMs: number;
  try {
    serverMs = Date.parse((JSON.parse(advisory) as { timestamp?: string }).timestamp ?? "");
  } catch {
    serverMs = Number.NaN;
  }
  if (Number.isNaN(serverMs)) return "the advisory of the server holds no time";
  return { aheadMs: (askedMs + answeredMs) / 2 - serverMs, uncertaintyMs: (answeredMs - askedMs) / 2 };
}
