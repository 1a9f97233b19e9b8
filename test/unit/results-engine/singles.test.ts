import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Singles } from "../../../services/results-engine/singles.js";
import type { RejectedOfPart } from "../../../services/results-engine/batcher.js";
import type { DecodedResults } from "../../../services/shared/codec/result-codec.js";
import { EngineError } from "../../../services/shared/errors.js";
import { resultFrame } from "../../support/result-columns.js";

/** The bytes of one MyResult: a frame of one without its tag and length. */
const single = (ID: bigint): Uint8Array => resultFrame([{ ID }]).subarray(2);
const broken = Uint8Array.of(0x0a, 0x7f);

function gathering(
  rejected: RejectedOfPart | Error = [],
  maxRows = 1_000,
): { singles: Singles; parts: { ids: bigint[]; messages: number }[] } {
  const parts: { ids: bigint[]; messages: number }[] = [];
  const store = (results: DecodedResults, _bytes: number, messages: number): Promise<RejectedOfPart> => {
    parts.push({ ids: [...results.ids.subarray(0, results.count)], messages });
    return rejected instanceof Error ? Promise.reject(rejected) : Promise.resolve(rejected);
  };
  return { singles: new Singles(store, maxRows), parts };
}

describe("singles of results", () => {
  it("that arrive together are stored as one part", async () => {
    const { singles, parts } = gathering();
    const stored = await Promise.all([1n, 2n, -5n].map((id) => singles.store(single(id))));
    assert.deepEqual(stored, [undefined, undefined, undefined]);
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

  it("are told why the sink rejected them, each its own reason, also behind a broken one", async () => {
    const { singles } = gathering([{ row: 1, reason: "no such partition" }]);
    const all = [broken, single(1n), single(2n), single(3n)].map((one) => singles.store(one));
    const [, ...ends] = await Promise.allSettled(all);
    assert.deepEqual(
      ends.map((end) => end.status === "fulfilled" && end.value),
      [undefined, "no such partition", undefined],
    );
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
