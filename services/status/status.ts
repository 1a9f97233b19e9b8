/** What `crunch status` does: looks, and changes nothing. */
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { UserError, messageOf } from "../shared/errors.js";
import { parseNatsUrl } from "../shared/nats/address.js";
import { connectNats } from "../shared/nats/connection.js";
import { untilAnswered } from "../shared/until-answered.js";
import type { StatusSettings } from "./config.js";
import { PipelineLooks } from "./pipeline-looks.js";
import type { StatusSource } from "./pipeline-looks.js";
import { statusLine, statusText } from "./status-report.js";
import type { Status } from "./status-report.js";

/** Between the two looks that rates are made from, and between those of `--watch`, in milliseconds. */
const BETWEEN_LOOKS_MS = 1_000;
/** Longest wait for streams that do not answer, in milliseconds. */
const PATIENCE_MS = 30_000;
/** Records are unaccounted for: lost, or about to be found. */
const UNACCOUNTED_EXIT = 3;
/** Clears a terminal and goes to its first line. */
const CLEAR = "\u001b[2J\u001b[H";

export interface StatusOutput {
  readonly json: boolean;
  readonly watch: boolean;
  readonly isTerminal: boolean;
  readonly out: (text: string) => void;
  /** Ends `--watch`. */
  readonly signal: AbortSignal;
}

/**
 * @returns the exit code: 0, or 3 when records are unaccounted for
 * @throws UserError when NATS is not there, or has no streams of ours
 */
export async function showStatus(settings: StatusSettings, output: StatusOutput): Promise<number> {
  const messaging = await connectNats({
    url: settings.NATS_URL,
    access: settings,
    role: "status",
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-status`,
    warn: () => undefined,
  });
  const server = `NATS_URL="${parseNatsUrl(settings.NATS_URL).shown}"`;
  try {
    const hasStreams = await patiently(() => messaging.hasStreams(), server, output.signal);
    if (!hasStreams) {
      const where = settings.NAMESPACE === undefined ? "" : ` in NAMESPACE="${settings.NAMESPACE}"`;
      throw new UserError(`${server}: no pipeline has run there yet${where}`);
    }
    return await reportStatus(messaging, server, output);
  } finally {
    await messaging.close();
  }
}

/**
 * @param server names the server in messages
 * @returns the exit code, as {@link showStatus}
 * @throws UserError when the streams stay silent
 */
export async function reportStatus(
  messaging: StatusSource,
  server: string,
  output: StatusOutput,
): Promise<number> {
  const looks = new PipelineLooks(messaging);
  const lookOnce = async (): Promise<Status> =>
    (await patiently(() => looks.look(), server, output.signal)).status;
  await lookOnce();
  for (;;) {
    await delay(BETWEEN_LOOKS_MS, undefined, { signal: output.signal }).catch(() => undefined);
    const status = await lookOnce();
    output.out(textOf(status, output));
    if (!output.watch || output.signal.aborted) return status.unaccounted > 0 ? UNACCOUNTED_EXIT : 0;
  }
}

/** A cluster that lost a server is silent until it has chosen its leaders. */
async function patiently<T>(ask: () => Promise<T>, server: string, signal: AbortSignal): Promise<T> {
  try {
    return await untilAnswered(ask, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`${server}: the streams do not answer: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function textOf(status: Status, { json, watch, isTerminal }: StatusOutput): string {
  if (json) return `${JSON.stringify(status)}\n`;
  if (watch && !isTerminal) return `${statusLine(status)}\n`;
  return `${watch ? CLEAR : ""}${statusText(status, Date.now())}\n`;
}
