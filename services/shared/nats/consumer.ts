/** durable -> pull -> handlers, at most maxInFlight at once -> settled by the ack contract. */
import type { Consumer, ConsumerOptions, Handler } from "../messaging.js";
import type { Parker } from "../parking.js";
import { ConsumerRun } from "./consumer-run.js";
import type { Link, Warn } from "./link.js";
import { Trimmer } from "./trimmer.js";

/** What a consumer is made with. */
export interface NatsConsumerParts {
  readonly link: Link;
  readonly parker: Parker;
  readonly stream: string;
  readonly inboxPrefix: string;
  readonly trimEveryMs: number;
  readonly warn: Warn;
}

export class NatsConsumer implements Consumer {
  readonly #parts: NatsConsumerParts;
  readonly #options: ConsumerOptions;

  constructor(parts: NatsConsumerParts, options: ConsumerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async run(handler: Handler, signal: AbortSignal): Promise<void> {
    const { link, stream, trimEveryMs, warn } = this.#parts;
    const trimmer = new Trimmer(link, stream, this.#options.topic, trimEveryMs, warn);
    try {
      await new ConsumerRun(this.#parts, this.#options, handler).run(signal);
    } finally {
      await trimmer.close();
    }
  }
}
