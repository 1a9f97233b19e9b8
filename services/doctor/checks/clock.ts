/** Our clock against the server's: times of the server and of the engines end in one row. */
import type { ClockLook } from "../../shared/nats/look.js";
import type { Finding } from "../finding.js";

/** Less is what time servers leave between machines. */
const MAX_SKEW_MS = 500;

/** @param lateAfterMs LATE_AFTER_MS */
export function checkClock(clock: ClockLook | string, lateAfterMs: number): Finding[] {
  const base = { setting: "clock of this machine", limit: `within ${String(MAX_SKEW_MS)} ms` };
  const why =
    "DTimeStamp is the server's time, ProcessTime and RTimeStamp are the engines': latencies, late rows and which of two results is newer go wrong by that much";
  if (typeof clock === "string") {
    return [
      { level: "info", ...base, value: "", problem: `not checked against the NATS server: ${clock}`, why },
    ];
  }
  // What the answer's way took cannot be told from skew.
  if (Math.abs(clock.aheadMs) - clock.uncertaintyMs <= MAX_SKEW_MS) return [];
  const isLarge = Math.abs(clock.aheadMs) >= lateAfterMs;
  const direction = clock.aheadMs > 0 ? "ahead of" : "behind";
  return [
    {
      level: isLarge ? "error" : "warning",
      ...base,
      value: `${String(Math.round(Math.abs(clock.aheadMs)))} ms ${direction} the NATS server`,
      problem: isLarge
        ? `the clocks differ by more than LATE_AFTER_MS=${String(lateAfterMs)}, so that flag says nothing`
        : "the clocks of this machine and of the NATS server differ",
      why,
    },
  ];
}
