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
import { settledWithin } from "./link.js";
import type { Link } from "./link.js";

/** A pull request ends after this, used or not; short, so that a lost one is soon replaced. */
const EXPIRES_MS = 5_000;
/** While a request waits, the server shows a sign of life this often. */
const HEARTBEAT_MS = 1_000;
/** Without a sign of life for this long a request counts as lost. */
const SILENT_MS = 3 * HEARTBEAT_MS;

/** Longest wait for what is on its way when requests end. */
const DRAIN_MS = 2_000;

/** What the owner hears. */
export interface PullListener {
  message(message: Msg): void;
  /** Requests may be lost or the durable gone: look, then {@link PullSubscription.restart}. */
  trouble(reason: string): void;
}

export class PullSubscription {
  readonly #link: Link;
  readonly #subject: string;
  readonly #inboxPrefix: string;
  readonly #listener: PullListener;
  #subscription: Subscription;
  #requested = 0;
  #heardAtMs = Date.now();

  constructor(link: Link, stream: string, durable: string, inboxPrefix: string, listener: PullListener) {
    this.#link = link;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
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
    return this.#requested > 0 && nowMs - this.#heardAtMs > SILENT_MS;
  }

  request(count: number): void {
    if (!this.#link.isConnected) return;
    if (this.#requested === 0) this.#heardAtMs = Date.now();
    this.#requested += count;
    const request = { batch: count, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.#link.nc.publish(this.#subject, JSON.stringify(request), { reply: this.#subscription.getSubject() });
  }

  /** Forgets all requests. A new inbox, because old requests would come alive again on the old one. */
  restart(): void {
    const old = this.#subscription;
    this.#requested = 0;
    this.#subscription = this.#subscribe();
    void settledWithin(old.drain(), DRAIN_MS);
  }

  /** Ends all requests; resolves once everything that was on its way is handed over. */
  async drain(): Promise<void> {
    this.#requested = 0;
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
    if (isCurrent) this.#heardAtMs = Date.now();
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
    if (headers === undefined || headers.code === 100) return;
    const left = headers.get("Nats-Pending-Messages");
    if (headers.code === 408 && left !== "") {
      this.#requested = Math.max(0, this.#requested - Number(left));
      // Nothing but the end of an idle request: the owner asks again.
      if (this.#requested === 0) this.#heardAtMs = Date.now();
      return;
    }
    this.#listener.trouble(`${String(headers.code)} ${headers.description}`);
  }
}
