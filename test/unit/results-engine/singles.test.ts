import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Singles } from "../../../services/results-engine/singles.js";
import type { RejectedOfPart } from "../../../services/results-engine/batcher.js";
import type { DecodedResults } from "../../../services/shared/codec/result-codec.js";
import { EngineError } from "../../../services/shared/errors.js";
import { resultFrame } from "../../support/result-columns.js";

interface Message {
  readonly payload: Uint8Array;
}

/** The bytes of one MyResult: a frame of one without its tag and length. */
const single = (ID: bigint): Message => ({ payload: resultFrame([{ ID }]).subarray(2) });
const broken: Message = { payload: Uint8Array.of(0x0a, 0x7f) };

function gathering(
  rejected: RejectedOfPart | Error = [],
  maxRows = 1_000,
): {
  singles: Singles<Message>;
  parts: { ids: bigint[]; messages: number }[];
  parked: [Message, string][];
} {
  const parts: { ids: bigint[]; messages: number }[] = [];
  const parked: [Message, string][] = [];
  const store = (results: DecodedResults, _bytes: number, messages: number): Promise<RejectedOfPart> => {
    parts.push({ ids: [...results.ids.subarray(0, results.count)], messages });
    return rejected instanceof Error ? Promise.reject(rejected) : Promise.resolve(rejected);
  };
  const park = async (message: Message, _span: unknown, reason: string): Promise<void> => {
    await new Promise(setImmediate);
    parked.push([message, reason]);
  };
  return { singles: new Singles<Message>(store, park, maxRows), parts, parked };
}

describe("singles of results", () => {
  it("that arrive together are stored as one part", async () => {
    const { singles, parts, parked } = gathering();
    await Promise.all([1n, 2n, -5n].map((id) => singles.store(single(id))));
    assert.deepEqual(parked, []);
    assert.deepEqual(parts, [{ ids: [1n, 2n, -5n], messages: 3 }]);
    await singles.store(single(4n));
    assert.deepEqual(parts[1], { ids: [4n], messages: 1 });
  });

  it("are no more in one part than a batch may have rows", async () => {
    const { singles, parts } = gathering([], 2);
    await Promise.all([1n, 2n, 3n].map((id) => singles.store(single(id))));
    assert.deepEqual(parts, [
      { ids: [1n, 2n], messages: 2 },
      { ids: [3n], messages: 1 },
    ]);
  });

  it("that are no MyResult fail alone, as they would by themselves", async () => {
    const { singles, parts } = gathering();
    const ends = await Promise.allSettled([single(1n), broken, single(3n)].map((one) => singles.store(one)));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    const error: unknown = ends[1]?.status === "rejected" ? ends[1].reason : undefined;
    assert.ok(error instanceof EngineError);
    assert.deepEqual([error.code, error.action], ["undecodable", "park"]);
    assert.deepEqual(parts, [{ ids: [1n, 3n], messages: 2 }]);
  });

  it("that the sink rejected are parked with its reason before they are settled, also behind a broken one", async () => {
    const { singles, parked } = gathering([{ row: 1, reason: "no such partition" }]);
    const [first, rejected, last] = [single(1n), single(2n), single(3n)];
    const all = [broken, first, rejected, last].map((one) => singles.store(one));
    const [, ...ends] = await Promise.allSettled(all);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled"],
    );
    assert.deepEqual(parked, [[rejected, "no such partition"]]);
  });

  it("all fail with what storing them threw", async () => {
    const { singles } = gathering(new EngineError("sink_failed", "retry", "not now"));
    const ends = await Promise.allSettled([1n, 2n].map((id) => singles.store(single(id))));
    assert.deepEqual(
      ends.map((end) => end.status === "rejected" && (end.reason as EngineError).code),
      ["sink_failed", "sink_failed"],
    );
  });
});
