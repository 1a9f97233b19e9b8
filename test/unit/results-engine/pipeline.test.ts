import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Batcher } from "../../../services/results-engine/batcher.js";
import { runResultsPipeline } from "../../../services/results-engine/pipeline.js";
import type { Batch, Sink, WriteOutcome } from "../../../services/results-engine/sinks/sink.js";
import { EngineError } from "../../../services/shared/errors.js";
import type { Handler, IncomingMessage, OutgoingMessage } from "../../../services/shared/messaging.js";
import { Parker } from "../../../services/shared/parking.js";
import { NO_TRACER } from "../../../services/shared/trace/tracer.js";
import { resultFrame } from "../../support/result-columns.js";

/** Runs a message through the pipeline, or one after the other. */
async function handled(
  payloads: Uint8Array | readonly Uint8Array[],
  write: (batch: Batch) => Promise<Partial<WriteOutcome>>,
  refusal?: EngineError,
): Promise<{ error: unknown; parked: OutgoingMessage[] }> {
  const parked: OutgoingMessage[] = [];
  const publisher = {
    publish: (message: OutgoingMessage) => {
      if (refusal !== undefined) return Promise.reject(refusal);
      parked.push(message);
      return Promise.resolve({ stream: "PARKED", sequence: parked.length, duplicate: false });
    },
    blockedBy: () => undefined,
  };
  const sink: Sink = {
    description: "fake",
    maxConcurrentWrites: 1,
    earlierTotals: { stored: 0, repeats: 0, late: 0 },
    lifetimeTotals: undefined,
    write: async (batch) => ({
      stored: batch.rows,
      repeats: 0,
      replays: 0,
      late: 0,
      rejected: [],
      ...(await write(batch)),
    }),
    state: () => ({ ok: true, detail: "" }),
    close: () => Promise.resolve(),
  };
  const signal = new AbortController().signal;
  const limits = { maxRows: 1, maxBytes: 1, maxMessages: 1, maxWaitMs: 1 };
  const batcher = new Batcher({
    sink,
    limits,
    signal,
    onBatch: () => undefined,
    tracer: NO_TRACER,
    sinkKind: "test",
  });
  let error: unknown;
  const consumer = {
    run: async (handler: Handler) => {
      for (const payload of payloads instanceof Uint8Array ? [payloads] : payloads) {
        await handler(messageOf(payload)).catch((thrown: unknown) => (error = thrown));
      }
    },
  };
  const parker = new Parker(publisher, "engine");
  const parkGiveUp = new AbortController().signal;
  await runResultsPipeline({ consumer, batcher, parker, parkGiveUp, tracer: NO_TRACER }, signal);
  return { error, parked };
}

function messageOf(payload: Uint8Array): IncomingMessage {
  const origin = {
    stream: "RESULTS",
    streamCreatedAt: "2026-01-01",
    sequence: 7,
    storedAtNs: 0n,
    deliveries: 1,
  };
  return { topic: "results", isFrame: true, payload, headers: {}, trace: undefined, origin };
}

describe("results pipeline", () => {
  it("resolves once the rows are stored", async () => {
    let written = 0;
    const { error, parked } = await handled(resultFrame([{ ID: 1n }, { ID: 2n }]), (batch) => {
      written += batch.rows;
      return Promise.resolve({});
    });

    assert.equal(error, undefined);
    assert.equal(written, 2);
    assert.deepEqual(parked, []);
  });

  it("decodes a frame into the memory of one that is stored", async () => {
    const seen: { ids: bigint[]; memory: ArrayBufferLike }[] = [];
    await handled([resultFrame([{ ID: 1n }, { ID: 2n }]), resultFrame([{ ID: 3n }, { ID: 4n }])], (batch) => {
      for (const { ids } of batch.parts) seen.push({ ids: [...ids], memory: ids.buffer });
      return Promise.resolve({});
    });

    assert.deepEqual(
      seen.map(({ ids }) => ids),
      [
        [1n, 2n],
        [3n, 4n],
      ],
    );
    assert.equal(seen[1]?.memory, seen[0]?.memory);
  });

  it("leaves the memory of a frame alone that the sink did not store", async () => {
    const seen: BigInt64Array[] = [];
    const failure = new EngineError("sink_failed", "retry", "no room");
    await handled([resultFrame([{ ID: 1n }]), resultFrame([{ ID: 2n }])], (batch) => {
      for (const { ids } of batch.parts) seen.push(ids);
      return Promise.reject(failure);
    });

    assert.deepEqual(
      seen.map((ids) => [...ids]),
      [[1n], [2n]],
    );
  });

  it("throws what the sink throws, so the message comes again", async () => {
    const failure = new EngineError("sink_failed", "retry", "no room");
    const { error } = await handled(resultFrame([{ ID: 1n }]), () => Promise.reject(failure));

    assert.equal(error, failure);
  });

  it("parks a rejected row alone, as a single result with the sink's reason", async () => {
    const { error, parked } = await handled(resultFrame([{ ID: 1n }, { ID: 2n }, { ID: 3n }]), () =>
      Promise.resolve({ stored: 2, rejected: [{ part: 0, row: 1, reason: "no such day" }] }),
    );

    assert.equal(error, undefined);
    assert.equal(parked.length, 1);
    assert.equal(parked[0]?.subject, "parked.results");
    assert.equal(parked[0].headers?.["Crunch-Error"], "no such day");
    assert.deepEqual(parked[0].payload.subarray(0, 2), Uint8Array.of(8, 2));
  });

  it("parks an entry that is no result alone and stores its neighbours", async () => {
    const good = resultFrame([{ ID: 1n }]);
    const withBroken = Uint8Array.of(...good, 10, 2, 8, 0xff, ...good);
    let written = 0;
    const { error, parked } = await handled(withBroken, (batch) => {
      written += batch.rows;
      return Promise.resolve({});
    });

    assert.equal(error, undefined);
    assert.equal(written, 2);
    assert.equal(parked[0]?.headers?.["Crunch-Reason"], "invalid_result");
    assert.match(parked[0].messageId, /RESULTS-2026-01-01-7-0-1$/);
  });

  it("settles only after its rows are stored, even when parking failed long before", async () => {
    const withBroken = Uint8Array.of(...resultFrame([{ ID: 1n }]), 10, 2, 8, 0xff);
    const refusal = new EngineError("not_permitted", "stop", "no stream to park on");
    let isStored = false;
    const write = async (): Promise<Partial<WriteOutcome>> => {
      // Turns of the event loop in which a rejection that nobody listens to would end the process.
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      isStored = true;
      return {};
    };
    const { error } = await handled(withBroken, write, refusal);

    assert.equal(error, refusal);
    assert.equal(isStored, true);
  });

  it("parks every entry of a frame that the sink rejects, each once", async () => {
    const results = Array.from({ length: 200 }, (_, index) => ({ ID: BigInt(index) }));
    const rejected = results.map((_, row) => ({ part: 0, row, reason: "no such day" }));
    const { error, parked } = await handled(resultFrame(results), () => {
      return Promise.resolve({ stored: 0, rejected });
    });

    assert.equal(error, undefined);
    assert.equal(new Set(parked.map(({ messageId }) => messageId)).size, 200);
    assert.equal(parked.length, 200);
  });

  it("asks for a message without framing to be parked whole", async () => {
    const { error } = await handled(Uint8Array.of(10, 200, 1), () => Promise.resolve({}));

    assert.ok(error instanceof EngineError);
    assert.deepEqual([error.action, error.code], ["park", "undecodable"]);
  });
});
