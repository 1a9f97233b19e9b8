/** What `crunch status` does: looks, and changes nothing. */
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { ENGINE_NOTES } from "../shared/engine-note.js";
import type { EngineNote } from "../shared/engine-note.js";
import { UserError } from "../shared/errors.js";
import { lookAtLedger } from "../shared/ledger.js";
import { LedgerRates } from "../shared/ledger-rates.js";
import { connectNats } from "../shared/nats/connection.js";
import type { NatsMessaging } from "../shared/nats/nats-messaging.js";
import type { ParkedStore } from "../shared/parked-store.js";
import type { StatusSettings } from "./config.js";
import { statusLine, statusOf, statusText } from "./status-report.js";
import type { Status } from "./status-report.js";

/** Between the two looks that rates are made from, and between those of `--watch`, in milliseconds. */
const BETWEEN_LOOKS_MS = 1_000;
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
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-status`,
    warn: () => undefined,
  });
  try {
    if (!(await messaging.hasStreams())) {
      const where = settings.NAMESPACE === undefined ? "" : ` in NAMESPACE="${settings.NAMESPACE}"`;
      throw new UserError(`NATS_URL="${settings.NATS_URL}": no pipeline has run there yet${where}`);
    }
    return await report(messaging, output);
  } finally {
    await messaging.close();
  }
}

async function report(messaging: NatsMessaging, output: StatusOutput): Promise<number> {
  const rates = new LedgerRates();
  await look(messaging, rates);
  for (;;) {
    await delay(BETWEEN_LOOKS_MS, undefined, { signal: output.signal }).catch(() => undefined);
    const status = await look(messaging, rates);
    output.out(textOf(status, output));
    if (!output.watch || output.signal.aborted) return status.unaccounted > 0 ? UNACCOUNTED_EXIT : 0;
  }
}

async function look(messaging: NatsMessaging, rates: LedgerRates): Promise<Status> {
  const { streams, ledger } = await lookAtLedger(messaging);
  rates.add(ledger, performance.now());
  const notes = await messaging.notes.all(ENGINE_NOTES);
  return statusOf({
    streams,
    ledger,
    rates: rates.rates,
    drainSeconds: rates.drainSeconds(ledger),
    parkedNow: await parkedNow(messaging.parkedStore),
    engines: notes.map(({ value }) => value as EngineNote),
    nowMs: Date.now(),
  });
}

async function parkedNow(store: ParkedStore): Promise<Map<string, number>> {
  const records = new Map<string, number>();
  for await (const entry of store.entries()) {
    records.set(entry.reason, (records.get(entry.reason) ?? 0) + entry.records);
  }
  return records;
}

function textOf(status: Status, { json, watch, isTerminal }: StatusOutput): string {
  if (json) return `${JSON.stringify(status)}\n`;
  if (watch && !isTerminal) return `${statusLine(status)}\n`;
  return `${watch ? CLEAR : ""}${statusText(status, Date.now())}\n`;
}
