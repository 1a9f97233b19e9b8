/** `/api/look`, again and again, with the history put together. */
import { useEffect, useState } from "preact/hooks";
import type { ConsoleLook, HistoryPoint } from "../console-look.js";

/** The charts' width, in milliseconds. */
export const HISTORY_MS = 900_000;
/** Between two questions at most and at least, in milliseconds. */
const MAX_WAIT_MS = 1_000;
const MIN_WAIT_MS = 200;
/** After the server's next look, so that its answer is fresh, in milliseconds. */
const BEHIND_LOOK_MS = 60;
const ANSWER_MS = 5_000;

export interface Looked {
  /** The newest that was heard; undefined before the first answer. */
  readonly look: ConsoleLook | undefined;
  readonly history: readonly HistoryPoint[];
  /** Since when the console does not answer, milliseconds since the epoch; undefined while it does. */
  readonly silentSinceMs: number | undefined;
}

export function useLook(): Looked {
  const [looked, setLooked] = useState<Looked>({ look: undefined, history: [], silentSinceMs: undefined });
  useEffect(() => {
    let timer = 0;
    let isAsking = false;
    let isGone = false;
    let history: readonly HistoryPoint[] = [];

    const ask = async (): Promise<void> => {
      if (isAsking || document.hidden) return;
      isAsking = true;
      window.clearTimeout(timer);
      let waitMs = MAX_WAIT_MS;
      try {
        const look = await fetchLook(history.at(-1)?.atMs ?? 0);
        const fromMs = look.nowMs - HISTORY_MS;
        history = [...history, ...look.history].filter(({ atMs }) => atMs >= fromMs);
        setLooked({ look, history, silentSinceMs: undefined });
        waitMs = untilNextLook(look);
      } catch {
        setLooked((before) => ({ ...before, silentSinceMs: before.silentSinceMs ?? Date.now() }));
      }
      isAsking = false;
      if (!isGone) timer = window.setTimeout(() => void ask(), waitMs);
    };
    const onVisible = (): void => void ask();
    document.addEventListener("visibilitychange", onVisible);
    void ask();
    return () => {
      isGone = true;
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, []);
  return looked;
}

async function fetchLook(afterMs: number): Promise<ConsoleLook> {
  const response = await fetch(`api/look?after=${String(afterMs)}`, {
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!response.ok) throw new Error(`the console answers ${String(response.status)}`);
  return (await response.json()) as ConsoleLook;
}

function untilNextLook({ nowMs, lookedUntilMs }: ConsoleLook): number {
  const ageMs = nowMs - (lookedUntilMs ?? nowMs);
  return Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, MAX_WAIT_MS + BEHIND_LOOK_MS - ageMs));
}
