import { setTimeout as delay } from "node:timers/promises";
import { EngineError } from "../shared/errors.js";

/** A note that could not be written is tried again after this long, in milliseconds. */
const RETRY_MS = 1_000;

/** Writes a note that changes often: one write at a time, and what changes meanwhile goes into the next. */
export class NoteSaver {
  readonly #write: () => Promise<boolean>;
  readonly #giveUp: AbortSignal;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /**
   * @param write writes the newest state; false if somebody else wrote first and it is to be tried again
   * @param giveUp ends the wait for a server that is away
   */
  constructor(write: () => Promise<boolean>, giveUp: AbortSignal) {
    this.#write = write;
    this.#giveUp = giveUp;
  }

  /**
   * Resolves when the state of this moment is written. While the server is away it waits, unless `giveUp`
   * aborts; a server that refuses, as one whose disk is full, holds nobody up: then the next state is
   * written in place of this one.
   */
  save(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return (this.#current = this.#untilWritten());
    });
    return this.#next;
  }

  async #untilWritten(): Promise<void> {
    for (;;) {
      try {
        if (await this.#write()) return;
      } catch (thrown) {
        if (this.#giveUp.aborted || EngineError.from(thrown).code === "note_refused") return;
        await delay(RETRY_MS, undefined, { signal: this.#giveUp }).catch(() => undefined);
      }
    }
  }
}
