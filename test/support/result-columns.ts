import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MyResultFrameSchema, MyResultSchema } from "../../proto/gen/messages_pb.js";
import { decodeResults } from "../../services/shared/codec/result-codec.js";
import type { DecodedResults } from "../../services/shared/codec/result-codec.js";

export interface PlainResult {
  readonly ID: bigint;
  readonly Data?: bigint;
  readonly Meta?: string;
  readonly RData?: bigint;
  /** Milliseconds since the epoch; now unless given. */
  readonly storedAtMs?: number;
  readonly processedAtMs?: number;
}

/** Results as the results-engine decodes them from a frame. */
export function resultsOf(results: readonly PlainResult[]): DecodedResults {
  return decodeResults(resultFrame(results), true);
}

/** A MyResultFrame as any client would write it. */
export function resultFrame(results: readonly PlainResult[]): Uint8Array {
  const nowMs = Date.now();
  const messages = results.map(
    ({ ID, Data = 0n, Meta = "", RData = 0n, storedAtMs = nowMs, processedAtMs }) =>
      create(MyResultSchema, {
        ID,
        Data,
        Meta,
        RData,
        DTimeStamp: timestampFromMs(storedAtMs),
        ProcessTime: timestampFromMs(processedAtMs ?? nowMs),
      }),
  );
  return toBinary(MyResultFrameSchema, create(MyResultFrameSchema, { results: messages }));
}
