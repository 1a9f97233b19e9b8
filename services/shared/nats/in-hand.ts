import type { Settler } from "../settlement.js";
import type { NatsIncomingMessage } from "./delivery.js";
import type { Link } from "./link.js";

const ACK = "+ACK";
const NAK = "-NAK";
const WORKING = "+WPI";

/** A message that is delivered to us and not settled. */
export class InHand implements Settler {
  readonly message: NatsIncomingMessage;
  readonly #link: Link;
  /** Of the newest delivery. */
  #reply: string;
  beatAtMs: number;

  constructor(link: Link, message: NatsIncomingMessage, reply: string, nowMs: number) {
    this.message = message;
    this.#link = link;
    this.#reply = reply;
    this.beatAtMs = nowMs;
  }

  deliveredAgain(reply: string, nowMs: number): void {
    this.#reply = reply;
    this.beatAtMs = nowMs;
  }

  ack(): void {
    this.#link.sendAck(this.#reply, ACK);
    // Only here: of a message that is not finished, something may still be on its way.
    this.message.done();
  }

  redeliver(delayMs: number): void {
    this.#link.sendAck(this.#reply, nakAfter(delayMs));
  }

  beat(nowMs: number): void {
    this.beatAtMs = nowMs;
    this.#link.sendAck(this.#reply, WORKING);
  }
}

function nakAfter(delayMs: number): string {
  return delayMs <= 0 ? NAK : `-NAK {"delay":${String(Math.round(delayMs * 1e6))}}`;
}
