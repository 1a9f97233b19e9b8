import { setTimeout as delay } from "node:timers/promises";
import { EngineError } from "./errors.js";

const RETRY_MS = 500;

/**
 * Asks a server until it answers. Also a server that is there may be silent for seconds: while a
 * cluster chooses the leader of a stream, nobody answers for it.
 *
 * @param giveUp ends the wait
 * @throws what `ask` threw last, once `giveUp` is aborted or when another try is of no use
 */
export async function untilAnswered<T>(ask: () => Promise<T>, giveUp: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (giveUp.aborted || EngineError.from(thrown).action !== "retry") throw thrown;
    }
    await delay(RETRY_MS, undefined, { signal: giveUp }).catch(() => undefined);
  }
}
