import { isRunning } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";

/** The children of one launcher, as kept for the start after a crash. */
export interface RunningChildren {
  readonly engines: readonly ProcessIdentity[];
  readonly server: ProcessIdentity | undefined;
}

export interface LeftOverLimits {
  /** How long engines without a launcher may take to drain. */
  readonly drainMs: number;
  /** How long the watchdog may take to end the server after them. */
  readonly serverMs: number;
}

const POLL_MS = 25;
const SIGTERM_MS = 10_000;

/**
 * Waits until nothing of an earlier start runs: its engines may still hold the sink, and two
 * servers over one message store would ruin it. What does not end by itself is ended.
 */
export async function endLeftOvers(children: RunningChildren, limits: LeftOverLimits): Promise<void> {
  await Promise.all(
    children.engines.map(async (engine) => {
      if (!(await isGone(engine, limits.drainMs))) signal(engine, "SIGKILL");
    }),
  );
  const { server } = children;
  if (server === undefined || (await isGone(server, limits.serverMs))) return;
  signal(server, "SIGTERM");
  if (!(await isGone(server, SIGTERM_MS))) signal(server, "SIGKILL");
  await isGone(server, SIGTERM_MS);
}

async function isGone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadlineAtMs = Date.now() + withinMs;
  while (isRunning(identity)) {
    if (Date.now() > deadlineAtMs) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(identity.pid, name);
  } catch {
    // Ended between the look and the signal.
  }
}
