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
/** The server says of a request that it ended this much later at most, unless it forgets to. */
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

export class PullSubscription {
  /** Where requests go. */
  readonly subject: string;
  readonly #link: Link;
  readonly #inboxPrefix: string;
  readonly #listener: PullListener;
  #subscription: Subscription;
  #requested = 0;
  /** Requests whose end the server has not told, oldest first. */
  #open: { readonly count: number; readonly endsAtMs: number }[] = [];
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
    this.#open.push({ count, endsAtMs: nowMs + EXPIRES_MS + LATE_MS });
    const request = { batch: count, expires: nanos(EXPIRES_MS) };
    this.#link.nc.publish(this.subject, JSON.stringify(request), { reply: this.#subscription.getSubject() });
  }

  /** Forgets requests whose end was not told in time: under load some counts were seen to be left over. */
  forgetEnded(nowMs: number): void {
    const open = this.#open.filter(({ endsAtMs }) => endsAtMs > nowMs);
    if (open.length === this.#open.length) return;
    this.#open = open;
    const before = this.#requested;
    this.#boundRequested();
    this.#isOwed ||= this.#requested < before;
  }

  /** What is counted and cannot come any more would keep us from asking for what can. */
  #boundRequested(): void {
    const atMost = this.#open.reduce((sum, { count }) => sum + count, 0);
    this.#requested = Math.min(this.#requested, atMost);
  }

  /** Forgets all requests. A new inbox, because old requests would come alive again on the old one. */
  restart(): void {
    const old = this.#subscription;
    this.#requested = 0;
    this.#open = [];
    this.#isOwed = false;
    this.#subscription = this.#subscribe();
    void settledWithin(old.drain(), DRAIN_MS);
  }

  /**
   * Waits until all requests have ended, half a second at most unless the server is away; what they still
   * bring is handed over. Not if `nothingMore` aborts, because then they bring nothing. To unsubscribe at once would lose messages that the server has taken off
   * the stream and not sent yet: they would come again only after the ack wait.
   */
  async drain(nothingMore?: AbortSignal): Promise<void> {
    const startMs = performance.now();
    while (
      this.#link.isConnected &&
      this.#requested > 0 &&
      nothingMore?.aborted !== true &&
      performance.now() - startMs < DRAIN_MS
    ) {
      await delay(5);
      this.forgetEnded(performance.now());
    }
    if (this.#link.isConnected) await settledWithin(this.#subscription.drain(), DRAIN_MS);
    else this.#subscription.unsubscribe();
  }

  #subscribe(): Subscription {
    const inbox = createInbox(this.#inboxPrefix);
    return this.#link.nc.subscribe(inbox, {
      callback: (error, message) => {
        if (error === null) this.#onMessage(inbox, message);
        else this.#listener.trouble(error.message);
      },
    });
  }

  #onMessage(inbox: string, message: Msg): void {
    const isCurrent = inbox === this.#subscription.getSubject();
    if (isCurrent) {
      this.#heardAtMs = performance.now();
      this.#isOwed = false;
    }
    // A message keeps the subject it was stored under; what comes on the inbox itself is a status.
    if (message.subject !== inbox) {
      if (isCurrent && this.#requested > 0) this.#requested -= 1;
      this.#listener.message(message);
      return;
    }
    if (isCurrent) this.#onStatus(message);
  }

  #onStatus(message: Msg): void {
    const { headers } = message;
    if (headers === undefined) return;
    const left = headers.get("Nats-Pending-Messages");
    if (headers.code === 408 && left !== "") {
      this.#requested = Math.max(0, this.#requested - Number(left));
      // Requests live equally long, so the oldest has ended.
      this.#open.shift();
      this.#boundRequested();
      this.#listener.ended();
      return;
    }
    this.#listener.trouble(`${String(headers.code)} ${headers.description}`);
  }
}
