import { EngineError } from "../../services/shared/errors.js";
import type { OutgoingMessage, Publisher, StoredConfirm } from "../../services/shared/messaging.js";

interface Held {
  readonly message: OutgoingMessage;
  readonly confirm: () => void;
  readonly fail: (error: Error) => void;
}

/** A publisher whose confirms a test gives, one by one and in any order. */
export class HeldPublisher implements Publisher {
  /** Everything ever published, in order. */
  readonly messages: OutgoingMessage[] = [];
  /** What waits for its confirm, oldest first. */
  readonly held: Held[] = [];
  /** False: everything is confirmed at once. */
  holds = true;
  #sequence = 0;

  publish(message: OutgoingMessage, signal?: AbortSignal): Promise<StoredConfirm> {
    this.messages.push(message);
    this.#sequence += 1;
    const stored = { stream: "DATA", sequence: this.#sequence, duplicate: false };
    if (!this.holds) return Promise.resolve(stored);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const index = this.held.indexOf(held);
        if (index >= 0) this.held.splice(index, 1);
      };
      const fail = (error: Error): void => {
        leave();
        reject(error);
      };
      const held: Held = {
        message,
        confirm: () => {
          leave();
          resolve(stored);
        },
        fail,
      };
      signal?.addEventListener("abort", () => fail(new EngineError("aborted", "stop", "aborted")));
      this.held.push(held);
    });
  }

  blockedBy(): string | undefined {
    return undefined;
  }

  /** Confirms what is held and all that comes. */
  release(): void {
    this.holds = false;
    for (const held of [...this.held]) held.confirm();
  }
}
