/** Consumers in tests: what was handled, and an orderly end. */
import type { Consumer, Handler, IncomingMessage } from "../../services/shared/messaging.js";

export interface Collected {
  /** Every delivery, in order. */
  readonly messages: IncomingMessage[];
  /** Ends the run and waits for it; rejects as the run does. */
  stop(): Promise<void>;
  /** The run itself. */
  readonly ended: Promise<void>;
}

/** Runs a consumer that notes each delivery and then does what `handler` does. */
export function collect(consumer: Consumer, handler: Handler = () => Promise.resolve()): Collected {
  const messages: IncomingMessage[] = [];
  const controller = new AbortController();
  const ended = consumer.run(async (message) => {
    messages.push(message);
    await handler(message);
  }, controller.signal);
  ended.catch(() => undefined);
  return {
    messages,
    ended,
    stop: async () => {
      controller.abort();
      await ended;
    },
  };
}

/** A promise that a test settles when it wants to. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }
}
