import type { EngineContext } from "./engine.js";
import { lookAtLedger } from "./ledger.js";
import { LedgerRates } from "./ledger-rates.js";
import type { Messaging } from "./messaging.js";

const EVERY_MS = 3_000;

/** Shows the account of the whole pipeline as gauges, until the engine ends. One look at a time. */
export async function watchLedger(
  context: EngineContext,
  messaging: Pick<Messaging, "streamsLook" | "notes">,
  everyMs = EVERY_MS,
): Promise<void> {
  const { metrics } = context;
  const records = metrics.gauge("crunch_ledger_records", "Records of the whole pipeline, by where they are", [
    "state",
  ]);
  const unaccounted = metrics.gauge(
    "crunch_unaccounted_records",
    "Records that are neither stored, repeated, parked nor under way: lost",
  );
  const outstanding = metrics.gauge("crunch_outstanding_records", "Records published and not yet stored");
  const oldest = metrics.gauge(
    "crunch_oldest_unacked_seconds",
    "Age of the oldest message that a stage has not finished",
    ["stage"],
  );
  const drain = metrics.gauge(
    "crunch_drain_seconds",
    "Time until nothing is outstanding, at the rate of the last minute; +Inf while nothing moves",
  );
  const rates = new LedgerRates();
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      const { streams, ledger } = await lookAtLedger(messaging);
      const nowMs = Date.now();
      rates.add(ledger, performance.now());
      for (const state of ["published", "crunched", "stored", "repeats", "parked"] as const) {
        records.set({ state }, ledger[state]);
      }
      outstanding.set(ledger.outstanding);
      unaccounted.set(ledger.unaccounted);
      for (const stage of ["data", "results"] as const) {
        const sinceMs = streams[stage].oldestUnfinishedAtMs;
        oldest.set({ stage }, sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1_000);
      }
      drain.set(rates.drainSeconds(ledger) ?? Number.POSITIVE_INFINITY);
    } catch {
      // While the server is away they keep their last value and `/readyz` tells.
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  context.defer(() => clearInterval(timer));
  await look();
}
