/** Removes what is finished from the front of a stream, and nothing else's track. */
import type { Link } from "./link.js";
import { removeMessage } from "./stream-reader.js";

/** Messages that are removed at once. */
const AT_ONCE = 64;

/**
 * From this version on a purge by sequence is safe. Before,
 *
 * - up to 2.9.14 any purge makes the server forget which messages its consumers have in hand, also those
 *   behind the purge: they are never delivered again, whatever becomes of whoever has them, and the ack
 *   floor runs past them. A purge by subject may make a consumer skip all that it was not given yet.
 * - up to 2.12.0 a purge by sequence cuts a file by writing the rest over it: killed in the middle, the
 *   server loses messages that were confirmed and never delivered.
 */
const SAFE_VERSION = [2, 12, 15] as const;

/** What is removed. */
export interface Trimmed {
  readonly stream: string;
  readonly firstSequence: number;
  /** The last to be removed. */
  readonly upTo: number;
  /** The newest of the stream. */
  readonly lastSequence: number;
}

/**
 * Removes every message up to a sequence. From an older server one by one, which is slower and touches
 * nothing else; the newest message stays then, as a server that is killed would start counting at 1
 * again without it.
 *
 * @param signal ends that early; the rest is for the next time
 * @throws NatsError when the server stays away; what was removed stays removed
 */
export async function trimUpTo(
  link: Link,
  { stream, firstSequence, upTo, lastSequence }: Trimmed,
  signal: AbortSignal,
): Promise<void> {
  if (isPurgeSafe(link.nc.info?.version ?? "")) {
    // The server removes what is below `seq`, not `seq` itself.
    await link.jsm.streams.purge(stream, { seq: upTo + 1 });
    return;
  }
  const end = Math.min(upTo, lastSequence - 1);
  let next = Math.max(1, firstSequence);
  const lane = async (): Promise<void> => {
    while (next <= end && !signal.aborted) await removeMessage(link.jsm, stream, next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** @param version as the server says it: `2.9.10`, `2.14.0-beta.1`; one that says nothing is taken for an old one */
export function isPurgeSafe(version: string): boolean {
  const numbers = version.split(/[.-]/, 3).map(Number);
  for (const [place, least] of SAFE_VERSION.entries()) {
    const number = numbers[place] ?? Number.NaN;
    if (number !== least) return number > least;
  }
  return true;
}
