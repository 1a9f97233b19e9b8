/** What the user asked for with Ctrl-C, SIGTERM or by closing the terminal. */
export interface StopSignals {
  /** Aborts at the first signal: drain. */
  readonly signal: AbortSignal;
  /** Takes the handlers off again. Idempotent. */
  close(): void;
}

const NAMES = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** @param hurry called at the second signal: the user does not want to wait */
export function watchStopSignals(hurry: () => void): StopSignals {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) hurry();
    else controller.abort();
  };
  for (const name of NAMES) process.on(name, onSignal);
  return {
    signal: controller.signal,
    close: () => {
      for (const name of NAMES) process.off(name, onSignal);
    },
  };
}

/** Resolves when `signal` aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
