import type { CrunchJob } from "../../services/crunch-engine/pool/pool.js";
import { decodeResults } from "../../services/shared/codec/result-codec.js";
import { RecordFrameEncoder, encodeRecord } from "../../services/shared/codec/record-codec.js";

export interface TestRecord {
  readonly id?: bigint;
  readonly data: bigint;
  readonly meta?: string;
}

/** When the messages of these jobs were stored. */
export const STORED_AT_NS = 1_700_000_000_123_456_789n;
let sequence = 0;

/** A message as the consumer would hand it over, with an origin of its own. */
export function jobOf(payload: Uint8Array, isFrame: boolean): CrunchJob {
  sequence += 1;
  const origin = {
    stream: "DATA",
    streamCreatedAt: "2026-01-01T00:00:00Z",
    sequence,
    storedAtNs: STORED_AT_NS,
    deliveries: 1,
  };
  return { payload, isFrame, origin };
}

/** A frame of records whose ID is their place, unless given. */
export function frameOf(records: readonly TestRecord[]): CrunchJob {
  const encoder = new RecordFrameEncoder();
  for (const [index, { id, data, meta }] of records.entries()) {
    encoder.add(id ?? BigInt(index), data, meta ?? "");
  }
  return jobOf(encoder.finish(), true);
}

export function singleOf({ id, data, meta }: TestRecord): CrunchJob {
  return jobOf(encodeRecord(id ?? 1n, data, meta ?? ""), false);
}

/** The results of a frame, each as the answer to a single. */
export function singlesOf(resultFrame: Uint8Array): Uint8Array[] {
  const { payload, entryStarts, entryEnds, count } = decodeResults(resultFrame, true);
  return Array.from({ length: count }, (_, row) => payload.subarray(entryStarts[row], entryEnds[row]));
}
