import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { MyResultSchema } from "../../../proto/gen/messages_pb.js";
import { jobOfRecord } from "../../../services/crunch-engine/pool/bundle.js";
import { MessageCruncher } from "../../../services/crunch-engine/pool/message-cruncher.js";
import type { CrunchJob, CrunchOutcome } from "../../../services/crunch-engine/pool/pool.js";
import type { PendingJob } from "../../../services/crunch-engine/pool/waiting-jobs.js";
import { WallClock } from "../../../services/crunch-engine/pool/wall-clock.js";
import { encodeRecord } from "../../../services/shared/codec/record-codec.js";
import { EngineError } from "../../../services/shared/errors.js";
import { crunchTogether } from "../../support/crunch-together.js";
import { frameOf, jobOf, singleOf } from "../../support/jobs.js";
import { looseRecordBytes, mutated, record } from "../shared/codec/arbitraries.js";
import type { RecordValues } from "../shared/codec/oracle.js";

const NOW_MS = 1_800_000_000_000;
const UNDECODABLE = Uint8Array.of(0x1a, 0x05, 0x61);

/** RData = Data, and an error for odd IDs, at an instant that stands still so that bytes can be foretold. */
function evenOnly(): MessageCruncher {
  const clock = new WallClock({ coarseNowMs: () => NOW_MS, fineNowMs: () => 0, fineOriginMs: NOW_MS });
  return new MessageCruncher((one) => {
    // No error of its own line, so that its stack is the same each time.
    if (one.ID % 2n !== 0n) throw ODD;
    return one.Data;
  }, clock);
}
const ODD = new Error("odd");

function storedAt(payload: Uint8Array, storedAtNs: bigint): CrunchJob {
  const job = jobOf(payload, false);
  return { ...job, origin: { ...job.origin, storedAtNs } };
}

const instantNs = fc.bigInt({ min: 1_600_000_000_000_000_000n, max: 2_000_000_000_000_000_000n });

/** The bytes that protobuf's own library answers with. */
function answerTo(single: RecordValues, storedAtNs: bigint): Uint8Array {
  const seconds = storedAtNs / 1_000_000_000n;
  const nanos = Number(storedAtNs % 1_000_000_000n);
  const DTimeStamp = create(TimestampSchema, { seconds, nanos });
  const ProcessTime = create(TimestampSchema, { seconds: BigInt(NOW_MS / 1_000) });
  return toBinary(
    MyResultSchema,
    create(MyResultSchema, { ...single, RData: single.Data, DTimeStamp, ProcessTime }),
  );
}

/** What must not depend on the neighbours: all but how long it took. */
function endOf(end: PromiseSettledResult<CrunchOutcome> | undefined): unknown {
  if (end?.status !== "fulfilled") {
    ok(end?.reason instanceof EngineError);
    const { code, action, message } = end.reason;
    return { code, action, message };
  }
  const { resultPayload, resultCount, failed } = end.value;
  return { resultPayload: resultPayload && Buffer.from(resultPayload).toString("hex"), resultCount, failed };
}

describe("singles that are crunched together", () => {
  it("are answered in the bytes of protobuf-es, each with the instant that it was stored", async () => {
    const singles = fc.array(fc.tuple(record, instantNs), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(singles, async (pairs) => {
        const even = pairs.map(([one, instant]) => [{ ...one, ID: one.ID & ~1n }, instant] as const);
        const jobs = even.map(([{ ID, Data, Meta }, instant]) =>
          storedAt(encodeRecord(ID, Data, Meta), instant),
        );
        const ends = await crunchTogether(evenOnly(), jobs);
        for (const [place, [one, instant]] of even.entries()) {
          const end = ends[place];
          ok(end?.status === "fulfilled");
          deepStrictEqual(new Uint8Array(end.value.resultPayload ?? []), answerTo(one, instant));
          deepStrictEqual([end.value.resultCount, end.value.failed], [1, []]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("end each as it would alone, whatever foreign clients sent beside it", async () => {
    const bytes = fc.oneof(
      looseRecordBytes,
      mutated(looseRecordBytes),
      record.map(({ ID, Data, Meta }) => encodeRecord(ID, Data, Meta)),
    );
    const singles = fc.array(fc.tuple(bytes, instantNs), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(singles, async (pairs) => {
        const jobs = pairs.map(([payload, instant]) => storedAt(payload, instant));
        const together = await crunchTogether(evenOnly(), jobs);
        for (const [place, job] of jobs.entries()) {
          const [alone] = await crunchTogether(evenOnly(), [job]);
          deepStrictEqual(endOf(together[place]), endOf(alone));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("are parked alone when they are no MyData, with the reason that each has by itself", async () => {
    const good = singleOf({ id: 2n, data: 20n });
    const bad = jobOf(UNDECODABLE, false);

    const [first, second, third] = await crunchTogether(evenOnly(), [good, bad, good]);

    deepStrictEqual(endOf(second), {
      code: "undecodable",
      action: "park",
      message: "no MyData: a field of 5 bytes ends beyond the 3 that are there",
    });
    deepStrictEqual([first?.status, third?.status], ["fulfilled", "fulfilled"]);
    deepStrictEqual(endOf(first), endOf(third));
  });

  it("fail alone, as record 0 of their own message and with its bytes", async () => {
    const jobs = [2n, 3n, 4n].map((id) => singleOf({ id, data: id }));

    const [, second] = await crunchTogether(evenOnly(), jobs);

    ok(second?.status === "fulfilled");
    const { resultPayload, failed } = second.value;
    strictEqual(resultPayload, undefined);
    deepStrictEqual(
      failed.map(({ index, payload, reason }) => ({ index, payload, reason })),
      [{ index: 0, payload: jobs[1]?.payload, reason: "cruncher_threw" }],
    );
  });

  it("are given up alone after they cost a thread, and the others are tried", async () => {
    const jobs = [2n, 4n, 6n].map((id) => singleOf({ id, data: id }));
    const givenUp = { 1: { index: 0, reason: "killed_thread", error: "dead" } } as const;

    const ends = await crunchTogether(evenOnly(), jobs, givenUp);

    const counts = ends.map((end) => (end.status === "fulfilled" ? end.value.resultCount : -1));
    deepStrictEqual(counts, [1, 0, 1]);
    ok(ends[1]?.status === "fulfilled");
    deepStrictEqual(
      ends[1].value.failed.map(({ index, reason, error }) => [index, reason, error]),
      [[0, "killed_thread", "dead"]],
    );
  });
});

describe("the record that a thread was lost with", () => {
  const pendingOf = (job: CrunchJob): PendingJob => ({
    job,
    givenUp: [],
    deaths: undefined,
    resolve: () => undefined,
    reject: () => undefined,
  });

  it("is the only one of a single, and of a frame the one at its place", () => {
    const singles = [1n, 2n, 3n].map((id) => pendingOf(singleOf({ id, data: id })));
    const frame = pendingOf(frameOf([{ data: 1n }, { data: 2n }]));

    deepStrictEqual(jobOfRecord(singles, 2), { job: singles[2], index: 0 });
    deepStrictEqual(jobOfRecord([frame], 1), { job: frame, index: 1 });
    strictEqual(jobOfRecord(singles, 3), undefined);
  });
});
