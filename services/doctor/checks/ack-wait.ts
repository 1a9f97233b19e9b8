/** T, the ack wait, against the times that a message spends in an engine's hands. */
import type { Finding } from "../finding.js";

export interface AckWaitFacts {
  /** RESEND_AFTER_MS: T. */
  readonly resendAfterMs: number;
  /** How long the streams remember a message id. */
  readonly dedupeWindowMs: number;
  /** CRUNCH_TIMEOUT_MS; undefined where no crunch-engine is looked at. */
  readonly crunchTimeoutMs?: number;
  /** BATCH_MAX_WAIT_MS plus the longest that the sink waits for one answer; undefined without a results-engine. */
  readonly batchMs?: number;
  /** LATE_AFTER_MS: X; undefined without a results-engine. */
  readonly lateAfterMs?: number;
}

/** A dead link is noticed within 8 s and made again within 2 more. */
const LINK_LOSS_MS = 10_000;
/** Longest delay between two deliveries of a message that is worth another try. */
const MAX_RETRY_MS = 30_000;

/**
 * Heartbeats go out every third of T for each message in hand, those that wait for a thread or a
 * batch included, so no work is too long for T. What T decides is what happens to an engine that
 * cannot send them: cut off, stopped or dead.
 */
export function checkAckWait(facts: AckWaitFacts): Finding[] {
  return [...checkOutage(facts), ...checkLate(facts), ...checkHorizon(facts), ...checkWork(facts)];
}

function checkOutage({ resendAfterMs }: AckWaitFacts): Finding[] {
  if (resendAfterMs >= LINK_LOSS_MS) return [];
  return [
    {
      level: "warning",
      ...ackWait(resendAfterMs, `at least ${String(LINK_LOSS_MS)}`),
      problem: "messages are delivered again sooner than an engine notices and heals a dead connection",
      why: "an engine that is cut off sends no heartbeats, so others do its work a second time; repeats are recognised, the time is lost",
    },
  ];
}

function checkLate({ resendAfterMs, batchMs = 0, lateAfterMs }: AckWaitFacts): Finding[] {
  if (lateAfterMs === undefined || resendAfterMs + batchMs < lateAfterMs) return [];
  const limitMs = lateAfterMs - batchMs - 1;
  return [
    {
      level: "warning",
      ...ackWait(
        resendAfterMs,
        limitMs >= LINK_LOSS_MS
          ? `at most ${String(limitMs)}`
          : `below LATE_AFTER_MS=${String(lateAfterMs)}, which is the one to raise`,
      ),
      problem: `what a crashed engine held is delivered again only when it is late already (LATE_AFTER_MS=${String(lateAfterMs)}, a batch takes up to ${String(batchMs)} ms)`,
      why: "every crash then shows as late rows",
    },
  ];
}

function checkHorizon({ resendAfterMs, dedupeWindowMs, crunchTimeoutMs }: AckWaitFacts): Finding[] {
  if (crunchTimeoutMs === undefined) return [];
  const horizonMs = resendAfterMs + crunchTimeoutMs + MAX_RETRY_MS;
  if (horizonMs < dedupeWindowMs) return [];
  return [
    {
      level: "warning",
      setting: resendAfterMs >= crunchTimeoutMs ? "RESEND_AFTER_MS" : "CRUNCH_TIMEOUT_MS",
      value: String(Math.max(resendAfterMs, crunchTimeoutMs)),
      limit: `below ${String(dedupeWindowMs - horizonMs + Math.max(resendAfterMs, crunchTimeoutMs))}`,
      problem: `a message may be crunched again after ${String(horizonMs)} ms, when RESULTS has forgotten its result (dedupe window ${String(dedupeWindowMs)} ms)`,
      why: "its result is then stored and written a second time, which only the sink still recognises by its ID",
    },
  ];
}

function checkWork({ resendAfterMs, crunchTimeoutMs = 0, batchMs = 0 }: AckWaitFacts): Finding[] {
  const workMs = Math.max(crunchTimeoutMs, batchMs);
  if (workMs < resendAfterMs) return [];
  return [
    {
      level: "info",
      ...ackWait(resendAfterMs, ""),
      problem: `one record may take ${String(crunchTimeoutMs)} ms (CRUNCH_TIMEOUT_MS) and one batch ${String(batchMs)} ms, longer than the ack wait`,
      why: "nothing comes twice for that: heartbeats extend the ack wait while an engine works",
    },
  ];
}

function ackWait(resendAfterMs: number, limit: string): Pick<Finding, "setting" | "value" | "limit"> {
  return { setting: "RESEND_AFTER_MS", value: String(resendAfterMs), limit };
}
