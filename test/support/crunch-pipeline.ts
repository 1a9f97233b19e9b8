import { createCrunchMetrics } from "../../services/crunch-engine/crunch-metrics.js";
import { runCrunchPipeline } from "../../services/crunch-engine/pipeline.js";
import type { CrunchTotals } from "../../services/crunch-engine/pipeline.js";
import type { CrunchOutcome, CrunchPool, FailedRecord } from "../../services/crunch-engine/pool/pool.js";
import { decodeRecords } from "../../services/shared/codec/record-codec.js";
import { ResultEncoder } from "../../services/shared/codec/result-codec.js";
import { EngineError } from "../../services/shared/errors.js";
import type {
  Handler,
  IncomingMessage,
  OutgoingMessage,
  StoredConfirm,
} from "../../services/shared/messaging.js";
import { createMetrics } from "../../services/shared/metrics.js";
import { Parker } from "../../services/shared/parking.js";
import { NO_TRACER } from "../../services/shared/trace/tracer.js";
import { singlesOf } from "./jobs.js";

/** A pool without threads: RData = Data, except for records listed as failing. */
export class InlinePool implements CrunchPool {
  readonly threads = 1;
  readonly jobsInHand = 0;
  failing: readonly number[] = [];

  crunch({ payload, isFrame, origin }: IncomingMessage): Promise<CrunchOutcome> {
    return new Promise((resolve) => {
      const columns = decodeRecords(payload, isFrame);
      const encoder = new ResultEncoder();
      encoder.begin(columns, origin.storedAtNs);
      const failed: FailedRecord[] = [];
      for (let row = 0; row < columns.count; row += 1) {
        const entry = payload.subarray(columns.entryStarts[row], columns.entryEnds[row]);
        if (this.failing.includes(row)) {
          failed.push({ index: row, payload: entry, reason: "cruncher_threw", error: "Error: no" });
        } else encoder.add(row, columns.data[row] ?? 0n, 1);
      }
      const resultCount = encoder.count;
      const frame = encoder.finish();
      const [single] = singlesOf(frame);
      const resultPayload = isFrame && resultCount > 0 ? frame : single;
      resolve({ resultPayload, resultCount, failed, crunchMs: 1 });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The crunch pipeline between an inline pool and a recording publisher: everything around one handler, with a publisher that the test holds back or breaks. */
export class PipelineUnderTest {
  readonly pool = new InlinePool();
  readonly published: OutgoingMessage[] = [];
  readonly metrics = createMetrics("test");
  /** How each publish goes; by default it is stored at once. */
  store: (message: OutgoingMessage) => Promise<StoredConfirm> = () => Promise.resolve(confirm(false));
  cruncher = { name: "identity", version: "1" };

  /** Hands `messages` over as a consumer would, and says how each handler ended. */
  async handle(
    ...messages: (Omit<IncomingMessage, "topic" | "headers" | "trace"> &
      Pick<Partial<IncomingMessage>, "trace">)[]
  ): Promise<{
    totals: CrunchTotals;
    endings: (EngineError | "acked")[];
  }> {
    const endings: (EngineError | "acked")[] = [];
    const run = async (handler: Handler): Promise<void> => {
      for (const message of messages) {
        try {
          await handler({ trace: undefined, ...message, topic: "data", headers: {} });
          endings.push("acked");
        } catch (thrown) {
          endings.push(EngineError.from(thrown));
        }
      }
    };
    const publisher = {
      publish: (message: OutgoingMessage) => {
        this.published.push(message);
        return this.store(message);
      },
      blockedBy: () => undefined,
    };
    const totals = await runCrunchPipeline(
      {
        consumer: { run },
        pool: this.pool,
        publisher,
        parker: new Parker(publisher, "test-engine"),
        parkGiveUp: new AbortController().signal,
        cruncher: this.cruncher,
        metrics: createCrunchMetrics(this.metrics),
        tracer: NO_TRACER,
      },
      new AbortController().signal,
    );
    return { totals, endings };
  }

  subjects(): string[] {
    return this.published.map((message) => message.subject);
  }
}

export function confirm(duplicate: boolean): StoredConfirm {
  return { stream: "RESULTS", sequence: 1, duplicate };
}
