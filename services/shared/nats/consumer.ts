/** durable -> pull -> handlers, as many at once as allowed -> settled by the ack contract. */
import type { Consumer, ConsumerOptions, Handler } from "../messaging.js";
import { AdvisoryCopier } from "./advisories.js";
import { ConsumerRun } from "./consumer-run.js";
import type { NatsConsumerParts } from "./consumer-run.js";
import { Trimmer } from "./trimmer.js";

export class NatsConsumer implements Consumer {
  readonly #parts: NatsConsumerParts;
  readonly #options: ConsumerOptions;

  constructor(parts: NatsConsumerParts, options: ConsumerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async run(handler: Handler, signal: AbortSignal): Promise<void> {
    const { link, parker, counter, stream, namespace, trimEveryMs, warn } = this.#parts;
    const { topic } = this.#options;
    const copier = new AdvisoryCopier(link, parker, topic, namespace);
    const trimmer = new Trimmer({ link, stream, topic, everyMs: trimEveryMs, warn, copier, counter });
    try {
      await new ConsumerRun(this.#parts, this.#options, handler).run(signal);
    } finally {
      await trimmer.close();
    }
  }
}
