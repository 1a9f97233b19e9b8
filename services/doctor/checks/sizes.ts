/** Frames and records against the largest message that the server takes. */
import type { Finding } from "../finding.js";

export interface SizeFacts {
  /** max_payload of the server, in bytes; headers count. */
  readonly maxPayloadBytes: number;
  readonly frameMaxBytes: number;
  readonly maxRecordBytes: number;
}

/** Room for the headers of a message: ids, run, position, namespace. */
const HEADER_BYTES = 1_024;

export function checkSizes({ maxPayloadBytes, frameMaxBytes, maxRecordBytes }: SizeFacts): Finding[] {
  const limitBytes = maxPayloadBytes - HEADER_BYTES;
  const limit = `at most ${String(limitBytes)} (max_payload=${String(maxPayloadBytes)} of the NATS server without ${String(HEADER_BYTES)} for headers)`;
  const findings: Finding[] = [];
  if (frameMaxBytes > limitBytes) {
    findings.push({
      level: "error",
      setting: "FRAME_MAX_BYTES",
      value: String(frameMaxBytes),
      limit,
      problem: "a full frame is larger than the NATS server takes",
      why: "the first one ends the data-engine",
    });
  }
  if (maxRecordBytes > limitBytes) {
    findings.push({
      level: "error",
      setting: "MAX_RECORD_BYTES",
      value: String(maxRecordBytes),
      limit,
      problem: "a record may be larger than the NATS server takes, without being parked",
      why: "the first one ends the data-engine, again at every restart",
    });
  }
  return findings;
}
