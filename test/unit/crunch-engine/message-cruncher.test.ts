import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MessageCruncher } from "../../../services/crunch-engine/pool/message-cruncher.js";
import { Progress } from "../../../services/crunch-engine/pool/progress.js";
import { frameOf } from "../../support/jobs.js";

describe("MessageCruncher", () => {
  const { payload: frame } = frameOf([{ data: 10n }, { data: 20n }, { data: 30n }]);
  const request = { frame, storedAtNs: 0n, givenUp: [] };

  it("shows which record is being crunched, and none when it is done", async () => {
    const progress = new Progress();
    const seen: number[] = [];
    const cruncher = new MessageCruncher((record) => {
      seen.push(progress.position().record);
      return record.Data;
    });

    await cruncher.crunch(request, progress);

    assert.deepEqual(seen, [0, 1, 2]);
    assert.equal(progress.position().record, -1);
  });

  it("does not try records again that were given up", async () => {
    const tried: bigint[] = [];
    const cruncher = new MessageCruncher((record) => {
      tried.push(record.Data);
      return record.Data;
    });
    const givenUp = [{ index: 1, reason: "timed_out", error: "too long" } as const];

    const answer = await cruncher.crunch({ ...request, givenUp }, new Progress());

    assert.deepEqual(tried, [10n, 30n]);
    assert.ok(answer.type === "crunched");
    const [failed] = answer.outcome.failed;
    assert.deepEqual([failed?.index, failed?.reason, failed?.error], [1, "timed_out", "too long"]);
  });

  it("waits for no promise where the cruncher returns none", async () => {
    let ticks = 0;
    const ticksDuring: number[] = [];
    const cruncher = new MessageCruncher((record) => {
      queueMicrotask(() => (ticks += 1));
      ticksDuring.push(ticks);
      return record.Data;
    });

    await cruncher.crunch(request, new Progress());

    assert.deepEqual(ticksDuring, [0, 0, 0]);
  });
});
