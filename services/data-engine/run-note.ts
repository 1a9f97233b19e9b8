/** How far a run came, for the next process of the same run. */
import { HEADER } from "../shared/messaging.js";
import type { Messaging } from "../shared/messaging.js";

/** Between two writes of the note, in milliseconds: no more than this is sent again. */
const WRITE_EVERY_MS = 500;

const keyOf = (runId: string): string => `run.${runId}`;

/**
 * Position in the source before which an earlier process of the run had everything confirmed: as the
 * run's newest frame says, or its note, where no frame of it is left in the stream.
 */
export async function confirmedPositionOf(
  messaging: Pick<Messaging, "lastHeaders" | "notes">,
  runId: string,
): Promise<number> {
  // Other clients publish frames too: the newest of all need not be ours.
  const headers = await messaging.lastHeaders("data.frame", { header: HEADER.run, value: runId });
  const note = await messaging.notes.read(keyOf(runId));
  return Math.max(positionIn(headers?.[HEADER.confirmed] ?? 0), positionIn(note?.value));
}

/**
 * Keeps the note up to date.
 *
 * @param position in the source before which everything is confirmed
 * @returns ends it, with the last position written
 */
export function noteProgress(
  notes: Messaging["notes"],
  runId: string,
  position: () => number,
): () => Promise<void> {
  let noted = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const now = position();
    if (now <= noted) return;
    try {
      await notes.write(keyOf(runId), now);
      noted = now;
    } catch {
      // The server is away; the next write says the same.
    }
  };
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, WRITE_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await writing.then(write);
  };
}

function positionIn(value: unknown): number {
  const position = Number(value ?? 0);
  return Number.isSafeInteger(position) && position >= 0 ? position : 0;
}
