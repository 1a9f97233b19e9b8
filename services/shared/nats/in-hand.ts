import type { EngineError } from "../errors.js";
import type { Settler } from "../settlement.js";
import type { NatsIncomingMessage } from "./delivery.js";
import type { Link } from "./link.js";

const ACK = "+ACK";
const NAK = "-NAK";
const WORKING = "+WPI";

/** Who took the messages. */
export interface InHandOwner {
  readonly link: Link;
  /** @param stop the error that ends the consumer */
  onSettled(taken: InHand, stop: EngineError | undefined): void;
}

/** A message that is delivered to us and not settled. */
export class InHand implements Settler {
  readonly message: NatsIncomingMessage;
  readonly #owner: InHandOwner;
  /** Of the newest delivery. */
  #reply: string;
  beatAtMs: number;

  constructor(owner: InHandOwner, message: NatsIncomingMessage, reply: string, nowMs: number) {
    this.message = message;
    this.#owner = owner;
    this.#reply = reply;
    this.beatAtMs = nowMs;
  }

  deliveredAgain(reply: string, nowMs: number): void {
    this.#reply = reply;
    this.beatAtMs = nowMs;
  }

  ack(): void {
    this.#owner.link.sendAck(this.#reply, ACK);
    // Only here: of a message that is not finished, something may still be on its way.
    this.message.done();
  }

  redeliver(delayMs: number): void {
    this.#owner.link.sendAck(this.#reply, nakAfter(delayMs));
  }

  settled(stop?: EngineError): void {
    this.#owner.onSettled(this, stop);
  }

  beat(nowMs: number): void {
    this.beatAtMs = nowMs;
    this.#owner.link.sendAck(this.#reply, WORKING);
  }
}

function nakAfter(delayMs: number): string {
  return delayMs <= 0 ? NAK : `-NAK {"delay":${String(Math.round(delayMs * 1e6))}}`;
}
