/**
 * publish -> stored confirm. One shared reply inbox and one timer for all messages in flight,
 * four times as fast as a request for each.
 *
 * The client library drops whatever is published while disconnected, so nothing counts as sent
 * until its confirm is here: an attempt without an answer is followed by the same bytes again.
 */
import { createInbox } from "nats";
import type { Msg, NatsConnection } from "nats";
import { EngineError } from "../errors.js";
import type { OutgoingMessage, Publisher, StoredConfirm } from "../messaging.js";
import { publishVerdict } from "./api-errors.js";
import { headerBlock } from "./headers.js";
import type { Link } from "./link.js";
import { streamKindOfSubject, streamName, subjectName } from "./topology.js";
import { sendMessage } from "./wire.js";
import type { WireMessage } from "./wire.js";

/** An attempt without an answer for this long is taken as lost. */
const ATTEMPT_MS = 3_000;
/** A stream that is silent for so many attempts needs a person. */
const LONG_SILENCE_ATTEMPTS = 3;
/** How often attempts, waits and abort signals are looked at. */
const TICK_MS = 50;
const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 2_000;

/** A message that is not confirmed yet. */
interface Pending extends WireMessage {
  readonly stream: string;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (confirm: StoredConfirm) => void;
  readonly reject: (error: EngineError) => void;
  attempts: number;
  isSent: boolean;
  /** Sent: when the attempt counts as lost. Not sent: when to try again. */
  dueMs: number;
}

/** The answer that nearly all messages get, in the server's own words. */
const STORED = /^\{"stream":"([^"\\]+)", ?"seq":(\d{1,15})\}$/;

interface PubAck {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

export class NatsPublisher implements Publisher {
  readonly #link: Link;
  readonly #nc: NatsConnection;
  readonly #namespace: string | undefined;
  readonly #inbox: string;
  /** By the last part of the reply subject. Bounded by what callers have in flight. */
  readonly #pending = new Map<string, Pending>();
  /** Why a stream takes nothing at the moment. */
  readonly #blocked = new Map<string, string>();
  readonly #utf8 = new TextDecoder();
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(link: Link, namespace: string | undefined, inboxPrefix: string) {
    this.#link = link;
    this.#nc = link.nc;
    this.#namespace = namespace;
    this.#inbox = `${createInbox(inboxPrefix)}.`;
    this.#nc.subscribe(`${this.#inbox}*`, {
      callback: (error, reply) => {
        if (error === null) this.#onReply(reply);
        else
          this.#failAll(new EngineError("not_permitted", "stop", `NATS: ${error.message}`, { cause: error }));
      },
    });
    link.listen({
      disconnected: () => this.#forgetAttempts(),
      reconnected: () => this.#sendAll(),
      publishRefused: (subject) => this.#failSubject(subject),
      broken: (error) => this.#failAll(error),
    });
  }

  publish(message: OutgoingMessage, signal?: AbortSignal): Promise<StoredConfirm> {
    return new Promise((resolve, reject) => {
      if (this.#link.broken !== undefined) throw this.#link.broken;
      if (signal?.aborted === true) throw abortedError(message.subject);
      const stream = streamName(streamKindOfSubject(message.subject), this.#namespace);
      const headers = headerBlock(message.messageId, stream, message.headers);
      const { payload } = message;
      this.#checkSize(Buffer.byteLength(headers) + payload.length, message.subject);
      const token = (this.#sent++).toString(36);
      const pending: Pending = {
        reply: this.#inbox + token,
        headers,
        subject: subjectName(message.subject, this.#namespace),
        stream,
        payload,
        signal,
        resolve,
        reject,
        attempts: 0,
        isSent: false,
        dueMs: Number.POSITIVE_INFINITY,
      };
      this.#pending.set(token, pending);
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
      if (this.#link.isConnected) this.#send(token, pending);
    });
  }

  blockedBy(): string | undefined {
    if (!this.#link.isConnected) return "not connected to NATS";
    for (const reason of this.#blocked.values()) return reason;
    return undefined;
  }

  #checkSize(bytes: number, subject: string): void {
    const maxBytes = this.#link.maxPayloadBytes;
    if (bytes <= maxBytes) return;
    throw new EngineError(
      "too_large",
      "stop",
      `a message of ${String(bytes)} bytes with its headers on ${subject} is larger than ` +
        `max_payload=${String(maxBytes)} of the NATS server`,
    );
  }

  #send(token: string, pending: Pending): void {
    pending.isSent = true;
    pending.attempts += 1;
    pending.dueMs = performance.now() + ATTEMPT_MS;
    try {
      sendMessage(this.#nc, pending);
    } catch (thrown) {
      // Thrown for a closed connection, and for a smaller limit of the server we reconnected to.
      this.#fail(token, pending, EngineError.from(this.#link.broken ?? thrown, "publish_failed"));
    }
  }

  #onReply(reply: Msg): void {
    const token = reply.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    if (reply.data.length === 0) {
      // "No responders": no stream takes the subject, or JetStream is not up yet.
      this.#retryLater(pending, `no stream takes ${pending.subject}`);
      return;
    }
    const text = this.#utf8.decode(reply.data);
    const stored = STORED.exec(text);
    if (stored !== null) {
      this.#onStored(token, pending, {
        stream: stored[1] ?? "",
        sequence: Number(stored[2]),
        duplicate: false,
      });
      return;
    }
    let answer: PubAck;
    try {
      answer = JSON.parse(text) as PubAck;
    } catch {
      this.#retryLater(pending, `stream ${pending.stream} gives no readable answer`);
      return;
    }
    if (answer.error === undefined && answer.stream !== undefined && answer.seq !== undefined) {
      const { stream, seq: sequence, duplicate = false } = answer;
      this.#onStored(token, pending, { stream, sequence, duplicate });
      return;
    }
    this.#onRefusal(token, pending, answer.error?.err_code, answer.error?.description ?? "no reason given");
  }

  #onStored(token: string, pending: Pending, confirm: StoredConfirm): void {
    this.#pending.delete(token);
    if (this.#blocked.size > 0) this.#blocked.delete(pending.stream);
    pending.resolve(confirm);
  }

  #onRefusal(token: string, pending: Pending, errorCode: number | undefined, description: string): void {
    const verdict = publishVerdict(errorCode);
    if (verdict === "full") {
      const isLimit = /maximum (messages|bytes)/.test(description);
      this.#retryLater(pending, `stream ${pending.stream} is full${isLimit ? "" : ` (${description})`}`);
    } else if (verdict === "retry") {
      this.#retryLater(pending, `stream ${pending.stream} refuses for now: ${description}`);
    } else {
      const text = `stream ${pending.stream} does not take ${pending.subject}: ${description}`;
      this.#fail(token, pending, new EngineError(verdict, "stop", text));
    }
  }

  #retryLater(pending: Pending, reason: string): void {
    this.#blocked.set(pending.stream, reason);
    const waitMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, pending.attempts - 1));
    pending.isSent = false;
    pending.dueMs = performance.now() + waitMs * (0.5 + Math.random() / 2);
  }

  #tick(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#blocked.clear();
      return;
    }
    const nowMs = performance.now();
    for (const [token, pending] of this.#pending) {
      if (pending.signal?.aborted === true) {
        this.#fail(token, pending, abortedError(pending.subject));
      } else if (pending.dueMs <= nowMs) {
        if (pending.isSent) {
          this.#retryLater(pending, silenceOf(pending));
        } else {
          this.#send(token, pending);
        }
      }
    }
  }

  #forgetAttempts(): void {
    for (const pending of this.#pending.values()) {
      pending.isSent = false;
      pending.dueMs = Number.POSITIVE_INFINITY;
    }
  }

  #sendAll(): void {
    for (const [token, pending] of this.#pending) this.#send(token, pending);
  }

  #failSubject(subject: string): void {
    for (const [token, pending] of this.#pending) {
      if (pending.subject !== subject) continue;
      const text = `NATS does not permit this user to publish to ${subject}`;
      this.#fail(token, pending, new EngineError("not_permitted", "stop", text));
    }
  }

  #failAll(error: EngineError): void {
    for (const [token, pending] of this.#pending) this.#fail(token, pending, error);
  }

  #fail(token: string, pending: Pending, error: EngineError): void {
    this.#pending.delete(token);
    pending.reject(error);
  }
}

/** Some servers hang like this when their disk is full; nothing else keeps a stream silent for long. */
function silenceOf({ stream, attempts }: Pending): string {
  const seconds = (attempts * ATTEMPT_MS) / 1_000;
  if (attempts < LONG_SILENCE_ATTEMPTS) return `stream ${stream} does not answer`;
  return (
    `stream ${stream} does not answer after ${String(attempts)} attempts in over ${String(seconds)} s; ` +
    `if the disk of the NATS server was full, make room, then kill and start it`
  );
}

function abortedError(subject: string): EngineError {
  return new EngineError("aborted", "stop", `publishing to ${subject} was aborted before it was stored`);
}
