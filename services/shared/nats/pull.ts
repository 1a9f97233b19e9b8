/**
 * Asks a durable for messages and hands over what comes.
 *
 * Our own pull requests instead of the library's `consume()`, for three reasons: the messages asked
 * for and those in hand never exceed a bound; every delivered message is in the caller's hands at
 * once, so its heartbeats can be kept up, while `consume()` hides a buffer whose messages run into
 * the ack wait; and closing loses nothing that is on its way, while `consume()` drops it.
 */
import { createInbox, nanos } from "nats";
import type { Msg, Subscription } from "nats";
import { setTimeout as delay } from "node:timers/promises";
import { settledWithin } from "./link.js";
import type { Link } from "./link.js";

/**
 * A pull request ends after this, used or not, and the server says so. Short, because an orderly end
 * waits for it: a request that is left behind makes servers of version 2.9 count and deliver twice.
 */
const EXPIRES_MS = 400;
/**
 * The server says so within this time, unless it forgets to: servers of version 2.9 do when a message is
 * stored just then. Whoever waited longer to ask again would stand still as long.
 */
const ASK_AGAIN_MS = 100;
/** What a request still brings comes within this time, also from a busy machine. */
const LATE_MS = 600;
/** Without a message or the end of a request for this long, requests count as lost: no stall of a busy machine. */
const SILENT_MS = 3_000;
/** Longest wait for the end of all requests. */
const DRAIN_MS = 2_000;

/** What the owner hears. */
export interface PullListener {
  message(message: Msg): void;
  /** A request has ended unused, or in part: there is room for another. */
  ended(): void;
  /** Requests may be lost or the durable gone: look, then {@link PullSubscription.restart}. */
  trouble(reason: string): void;
}

interface Request {
  readonly count: number;
  readonly endsAtMs: number;
  /** False once it is taken for ended. */
  isCounted: boolean;
}

export class PullSubscription {
  /** Where requests go. */
  readonly subject: string;
  readonly #link: Link;
  readonly #inboxPrefix: string;
  readonly #listener: PullListener;
  #subscription: Subscription;
  #inbox = "";
  #requested = 0;
  /** Requests whose end the server has not told, by the last part of their reply subject. */
  readonly #open = new Map<string, Request>();
  #sent = 0;
  /** Until then requests that were taken for ended may bring messages all the same. */
  #lateUntilMs = 0;
  /** True if the server forgot to tell the end of a request, and was not heard since. */
  #isOwed = false;
  #heardAtMs = performance.now();

  constructor(link: Link, stream: string, durable: string, inboxPrefix: string, listener: PullListener) {
    this.#link = link;
    this.subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
    this.#inboxPrefix = inboxPrefix;
    this.#listener = listener;
    this.#subscription = this.#subscribe();
  }

  /** Messages asked for and not here yet. */
  get requested(): number {
    return this.#requested;
  }

  /** True if the server owes a sign of life. */
  isSilent(nowMs: number): boolean {
    return (this.#requested > 0 || this.#isOwed) && nowMs - this.#heardAtMs > SILENT_MS;
  }

  request(count: number): void {
    if (!this.#link.isConnected) return;
    const nowMs = performance.now();
    if (this.#requested === 0 && !this.#isOwed) this.#heardAtMs = nowMs;
    this.#requested += count;
    const token = String((this.#sent += 1));
    this.#open.set(token, { count, endsAtMs: nowMs + EXPIRES_MS, isCounted: true });
    const request = { batch: count, expires: nanos(EXPIRES_MS) };
    const reply = `${this.#inbox}.${token}`;
    this.#link.nc.publish(this.subject, JSON.stringify(request), { reply });
    // First what has come meanwhile, which a process that stood still has not read yet.
    const look = (): unknown => setImmediate(() => this.forgetEnded(performance.now()));
    setTimeout(look, EXPIRES_MS + ASK_AGAIN_MS + 1).unref();
  }

  /**
   * Takes requests for ended whose end was not told in time: what is counted and cannot come any more
   * would keep us from asking for what can.
   */
  forgetEnded(nowMs: number): void {
    for (const [token, request] of this.#open) {
      request.isCounted &&= nowMs < request.endsAtMs + ASK_AGAIN_MS;
      if (nowMs >= request.endsAtMs + LATE_MS) this.#open.delete(token);
    }
    const before = this.#requested;
    this.#boundRequested();
    if (this.#requested === before) return;
    this.#isOwed = true;
    this.#lateUntilMs = nowMs + LATE_MS - ASK_AGAIN_MS;
    this.#listener.ended();
  }

  #boundRequested(): void {
    let atMost = 0;
    for (const { count, isCounted } of this.#open.values()) if (isCounted) atMost += count;
    this.#requested = Math.min(this.#requested, atMost);
  }

  /** Forgets all requests. A new inbox, because old requests would come alive again on the old one. */
  restart(): void {
    const old = this.#subscription;
    this.#requested = 0;
    this.#open.clear();
    this.#isOwed = false;
    this.#subscription = this.#subscribe();
    void settledWithin(old.drain(), DRAIN_MS);
  }

  /**
   * Waits until all requests have ended, half a second unless the server is away or forgot to tell; what
   * they still bring is handed over. Not if `nothingMore` aborts, because then they bring nothing. To
   * unsubscribe at once would lose messages that the server has taken off the stream and not sent yet: they
   * would come again only after the ack wait.
   */
  async drain(nothingMore?: AbortSignal): Promise<void> {
    const startMs = performance.now();
    while (
      this.#link.isConnected &&
      (this.#requested > 0 || performance.now() < this.#lateUntilMs) &&
      nothingMore?.aborted !== true &&
      performance.now() - startMs < DRAIN_MS
    ) {
      await delay(5);
    }
    if (this.#link.isConnected) await settledWithin(this.#subscription.drain(), DRAIN_MS);
    else this.#subscription.unsubscribe();
  }

  #subscribe(): Subscription {
    const inbox = createInbox(this.#inboxPrefix);
    this.#inbox = inbox;
    return this.#link.nc.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#onMessage(inbox, message);
        else this.#listener.trouble(error.message);
      },
    });
  }

  #onMessage(inbox: string, message: Msg): void {
    const isCurrent = inbox === this.#inbox;
    if (isCurrent) {
      this.#heardAtMs = performance.now();
      this.#isOwed = false;
    }
    // A message keeps the subject it was stored under; what comes on the inbox itself is a status.
    if (!message.subject.startsWith(inbox)) {
      if (isCurrent && this.#requested > 0) this.#requested -= 1;
      this.#listener.message(message);
      return;
    }
    if (isCurrent) this.#onStatus(message.subject.slice(inbox.length + 1), message);
  }

  #onStatus(token: string, { headers }: Msg): void {
    if (headers === undefined) return;
    const left = headers.get("Nats-Pending-Messages");
    if (headers.code !== 408 || left === "") {
      this.#listener.trouble(`${String(headers.code)} ${headers.description}`);
      return;
    }
    const ended = this.#open.get(token);
    this.#open.delete(token);
    // What was taken for ended is not in the count any more.
    if (ended?.isCounted !== true) return;
    this.#requested = Math.max(0, this.#requested - Number(left));
    this.#boundRequested();
    this.#listener.ended();
  }
}
