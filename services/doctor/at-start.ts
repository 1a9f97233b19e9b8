/** What an engine says when it starts: the doctor's checks of what it has at hand. Nothing is refused here. */
import type { Logger } from "../shared/logger.js";
import { DEDUPE_WINDOW_MS, MAX_ACK_PENDING } from "../shared/nats/limits.js";
import type { ServerLook } from "../shared/nats/server-look.js";
import { checkAckWait } from "./checks/ack-wait.js";
import { checkShare } from "./checks/in-flight.js";
import { checkServerVersion } from "./checks/server-version.js";
import { checkSizes } from "./checks/sizes.js";
import type { Finding } from "./finding.js";

/** @param settings of a data-engine */
export function checkDataEngine(
  settings: {
    readonly STREAM_REPLICAS: number;
    readonly FRAME_MAX_BYTES: number;
    readonly MAX_RECORD_BYTES: number;
  },
  server: ServerLook,
): Finding[] {
  return [
    ...checkServerAtStart(settings, server),
    ...checkSizes({
      maxPayloadBytes: server.maxPayloadBytes,
      frameMaxBytes: settings.FRAME_MAX_BYTES,
      maxRecordBytes: settings.MAX_RECORD_BYTES,
    }),
  ];
}

/** @param settings of a crunch-engine */
export function checkCrunchEngine(
  settings: {
    readonly STREAM_REPLICAS: number;
    readonly RESEND_AFTER_MS: number;
    readonly CRUNCH_TIMEOUT_MS: number;
    readonly CRUNCH_MAX_IN_FLIGHT: number;
  },
  server: ServerLook,
): Finding[] {
  return [
    ...checkServerAtStart(settings, server),
    ...checkAckWait({
      resendAfterMs: settings.RESEND_AFTER_MS,
      dedupeWindowMs: DEDUPE_WINDOW_MS,
      crunchTimeoutMs: settings.CRUNCH_TIMEOUT_MS,
    }),
    ...checkShare("CRUNCH_MAX_IN_FLIGHT", settings.CRUNCH_MAX_IN_FLIGHT, MAX_ACK_PENDING),
  ];
}

/** @param settings of a results-engine */
export function checkResultsEngine(
  settings: {
    readonly STREAM_REPLICAS: number;
    readonly RESEND_AFTER_MS: number;
    readonly BATCH_MAX_WAIT_MS: number;
    readonly LATE_AFTER_MS: number;
    readonly RESULTS_MAX_IN_FLIGHT: number;
  },
  server: ServerLook,
): Finding[] {
  return [
    ...checkServerAtStart(settings, server),
    ...checkAckWait({
      resendAfterMs: settings.RESEND_AFTER_MS,
      dedupeWindowMs: DEDUPE_WINDOW_MS,
      batchMs: settings.BATCH_MAX_WAIT_MS,
      lateAfterMs: settings.LATE_AFTER_MS,
    }),
    ...checkShare("RESULTS_MAX_IN_FLIGHT", settings.RESULTS_MAX_IN_FLIGHT, MAX_ACK_PENDING),
  ];
}

/** One log line for each error and warning. */
export function warnAtStart(findings: readonly Finding[], logger: Logger): void {
  for (const { level, setting, value, limit, problem, why } of findings) {
    if (level === "info") continue;
    logger.warn({ event: "doctor", level, setting, value, limit, why }, `${setting}=${value}: ${problem}`);
  }
}

/** An old server is the doctor's business; every start of every engine need not repeat it. */
function checkServerAtStart(
  { STREAM_REPLICAS: replicas }: { readonly STREAM_REPLICAS: number },
  { version }: ServerLook,
): Finding[] {
  return checkServerVersion(version, replicas).filter(({ level }) => level === "error");
}
