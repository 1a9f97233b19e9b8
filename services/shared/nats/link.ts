/**
 * One connection as publisher and consumers see it: is it up, who hears of changes, and how small
 * messages that must not get lost in a short outage (acks) are sent.
 */
import { Events } from "nats";
import type { JetStreamManager, NatsConnection, Status } from "nats";
import { EngineError } from "../errors.js";
import type { Warn } from "../logger.js";
import { OpenRequests } from "./open-requests.js";
import { sendText } from "./wire.js";

export type { Warn } from "../logger.js";

/** What a part of the connection wants to hear. */
export interface LinkListener {
  disconnected?(): void;
  reconnected?(): void;
  /** The server refuses to take anything on this subject from us. */
  publishRefused?(subject: string): void;
  /** The connection is gone for good, by our close or not. */
  broken?(error: EngineError): void;
}

/** Longest wait for the server's answer to a flush. */
const FLUSH_MS = 5_000;

export class Link {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly #warn: Warn;
  readonly #listeners = new Set<LinkListener>();
  readonly #requests: OpenRequests;
  /** Settled while disconnected; the client library would drop them. */
  readonly #unsent = new Map<string, string>();
  #isConnected = true;
  #isClosing = false;
  #broken: EngineError | undefined;
  #maxPayloadBytes: number;

  constructor(nc: NatsConnection, jsm: JetStreamManager, warn: Warn) {
    this.nc = nc;
    this.jsm = jsm;
    this.#requests = new OpenRequests(nc);
    this.#warn = warn;
    this.#maxPayloadBytes = nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
    void this.#watchStatus();
    void this.#watchClosed();
  }

  get isConnected(): boolean {
    return this.#isConnected && this.#broken === undefined;
  }

  /** Why the connection is gone for good; undefined while it is not. */
  get broken(): EngineError | undefined {
    return this.#broken;
  }

  /** Largest message, headers included, that the server takes. */
  get maxPayloadBytes(): number {
    return this.#maxPayloadBytes;
  }

  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends an ack, now or right after the reconnect; an ack after the ack wait still counts. */
  sendAck(reply: string, text: string): void {
    if (this.#broken !== undefined || this.nc.isClosed()) return;
    if (this.#isConnected) sendText(this.nc, reply, text);
    else this.#unsent.set(reply, text);
  }

  /** Resolves once the server has everything sent so far, or after 5 s, or at once while disconnected. */
  async flush(): Promise<void> {
    // A flush that is cut by a disconnect rejects; what it was to send is redelivered or retried.
    if (this.isConnected) await settledWithin(this.nc.flush(), FLUSH_MS);
  }

  async close(): Promise<void> {
    if (this.#isClosing) {
      await this.nc.closed();
      return;
    }
    this.#isClosing = true;
    await this.flush();
    await this.nc.close();
    this.#break(new EngineError("nats_closed", "stop", "the connection to NATS was closed"));
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.nc.status()) this.#onStatus(status);
  }

  #onStatus(status: Status): void {
    if (status.type === Events.Disconnect) {
      this.#isConnected = false;
      this.#requests.end();
      this.#warn({ server: status.data }, "disconnected from NATS");
      for (const listener of this.#listeners) listener.disconnected?.();
    } else if (status.type === Events.Reconnect) {
      this.#isConnected = true;
      // The library drops what is asked while disconnected.
      this.#requests.end();
      this.#maxPayloadBytes = this.nc.info?.max_payload ?? this.#maxPayloadBytes;
      this.#warn({ server: status.data }, "connected to NATS again");
      for (const [reply, text] of this.#unsent) sendText(this.nc, reply, text);
      this.#unsent.clear();
      for (const listener of this.#listeners) listener.reconnected?.();
    } else if (status.type === Events.Error) {
      const refused = status.permissionContext;
      this.#warn({ code: status.data, ...refused }, "NATS reports an error");
      if (refused?.operation !== "publish") return;
      for (const listener of this.#listeners) listener.publishRefused?.(refused.subject);
    }
  }

  async #watchClosed(): Promise<void> {
    const reason = await this.nc.closed();
    if (this.#isClosing) return;
    const why = reason instanceof Error ? `: ${reason.message}` : "";
    this.#break(new EngineError("nats_closed", "stop", `the connection to NATS is closed for good${why}`));
  }

  #break(error: EngineError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    for (const listener of [...this.#listeners]) listener.broken?.(error);
  }
}

/** Resolves when the promise is settled, whichever way, or after `ms`: a half-open link answers nothing. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
}
