import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PiscinaPool } from "../../services/crunch-engine/pool/piscina-pool.js";
import { textAt } from "../../services/shared/codec/columns.js";
import { RecordFrameEncoder, decodeRecords } from "../../services/shared/codec/record-codec.js";
import { decodeResults } from "../../services/shared/codec/result-codec.js";
import { EngineError } from "../../services/shared/errors.js";
import { frameOf, jobOf, singleOf } from "../support/jobs.js";
import { tempFolder } from "../support/temp-folder.js";
import {
  answersOf,
  assertOthersCrunched,
  failuresOf,
  recordsWith,
  fixture,
  troublesomePool,
} from "../support/troublesome-pool.js";

describe("the pool of threads", () => {
  let pool: PiscinaPool;
  before(async () => {
    pool = await PiscinaPool.start(troublesomePool);
  });
  after(() => pool.close());

  it("answers a frame by a frame and a single by a single", async () => {
    const [frame, single] = await Promise.all([
      pool.crunch(frameOf(recordsWith({}))),
      pool.crunch(singleOf({ id: 9n, data: 5n })),
    ]);

    assertOthersCrunched(frame, []);
    assert.deepEqual(answersOf(single, false), [{ id: 9n, rData: 5n }]);
  });

  it("answers an empty frame by nothing", async () => {
    const outcome = await pool.crunch(frameOf([]));

    assert.equal(outcome.resultPayload, undefined);
    assert.deepEqual(outcome.failed, []);
  });

  it("keeps Meta, takes DTimeStamp from the message and ProcessTime from the clock", async () => {
    const startedAtMs = Date.now();
    const meta = "héllo 👋\0";
    const outcome = await pool.crunch(frameOf([{ data: 1n, meta: "length:" + meta }]));

    const results = decodeResults(outcome.resultPayload ?? new Uint8Array(), true);
    assert.equal(textAt(results.meta, 0), "length:" + meta);
    assert.equal(results.rData[0], BigInt(("length:" + meta).length));
    assert.equal(results.dTimeStampsUs[0], 1_700_000_000_123_456n);
    const processedAtMs = Number((results.processTimesUs[0] ?? 0n) / 1_000n);
    assert.ok(processedAtMs >= startedAtMs - 10 && processedAtMs <= Date.now() + 10, String(processedAtMs));
  });

  it("carries every int64 and a Meta of 500,000 characters unharmed", async () => {
    const edges = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n, -1n];
    const outcome = await pool.crunch(frameOf(edges.map((edge) => ({ id: edge, data: edge }))));
    const long = "length:" + "ü".repeat(500_000);
    const big = await pool.crunch(singleOf({ data: 1n, meta: long }));

    assert.deepEqual(
      answersOf(outcome),
      edges.map((edge) => ({ id: edge, rData: edge })),
    );
    assert.deepEqual(answersOf(big, false), [{ id: 1n, rData: BigInt(long.length) }]);
  });

  it("fails a record whose cruncher throws or rejects, with the stack, and goes on", async () => {
    const outcome = await pool.crunch(frameOf(recordsWith({ 3: "throw", 4: "reject", 9: "throw-text" })));

    assertOthersCrunched(outcome, [3, 4, 9]);
    assert.deepEqual(failuresOf(outcome), [
      [3, "cruncher_threw"],
      [4, "cruncher_threw"],
      [9, "cruncher_threw"],
    ]);
    const [first, , third] = outcome.failed;
    assert.match(first?.error ?? "", /^TypeError: cannot crunch 30\n\s+at troublesome .*troublesome\.mjs/);
    assert.match(third?.error ?? "", /only a text/);
    const record = decodeRecords(first?.payload ?? new Uint8Array(), false);
    assert.deepEqual([record.ids[0], record.data[0], textAt(record.meta, 0)], [3n, 30n, "throw"]);
    assert.equal(first?.payload.buffer.byteLength, first?.payload.length, "the record's bytes alone");
  });

  it("waits for promises", async () => {
    const outcome = await pool.crunch(frameOf(recordsWith({ 0: "async", 7: "async", 19: "async" })));

    assertOthersCrunched(outcome, []);
  });

  it("fails what is no int64 with the value, and takes what is one at the edges", async () => {
    const wrong = [
      "number:1.5",
      "number:NaN",
      "number:9007199254740992",
      "number:Infinity",
      "bigint:9223372036854775808",
      "bigint:-9223372036854775809",
      "undefined",
      "text",
    ];
    const right = [
      "number:-9007199254740991",
      "number:-0",
      "bigint:9223372036854775807",
      "bigint:-9223372036854775808",
    ];
    const outcome = await pool.crunch(frameOf([...wrong, ...right].map((meta) => ({ data: 1n, meta }))));

    assert.deepEqual(
      failuresOf(outcome),
      wrong.map((_, index) => [index, "not_int64"]),
    );
    assert.deepEqual(
      answersOf(outcome).map((answer) => answer.rData),
      [-(2n ** 53n) + 1n, 0n, 2n ** 63n - 1n, -(2n ** 63n)],
    );
    const texts = outcome.failed.map((failed) => failed.error);
    assert.match(texts[0] ?? "", /^RData=1\.5 must be a bigint, or a whole number/);
    assert.match(texts[4] ?? "", /^RData=9223372036854775808n must be a bigint from -2\^63 to 2\^63 - 1$/);
    assert.match(texts[6] ?? "", /^RData=undefined /);
  });

  it("says of bytes that are no MyDataFrame or MyData that they are to be parked", async () => {
    const garbage = Uint8Array.of(0x0a, 0xff, 0xff);
    for (const isFrame of [true, false]) {
      await assert.rejects(pool.crunch(jobOf(garbage, isFrame)), (thrown) => {
        assert.ok(thrown instanceof EngineError);
        assert.deepEqual([thrown.code, thrown.action], ["undecodable", "park"]);
        return true;
      });
    }
  });

  it("fails a broken record of a frame alone", async () => {
    const encoder = new RecordFrameEncoder();
    encoder.add(1n, 10n, "");
    const good = encoder.finish();
    const frame = Buffer.concat([good, Buffer.of(0x0a, 2, 0x08, 0xff), good]);

    const outcome = await pool.crunch(jobOf(frame, true));

    assert.deepEqual(failuresOf(outcome), [[1, "invalid_record"]]);
    assert.deepEqual([...(outcome.failed[0]?.payload ?? [])], [0x08, 0xff]);
    assert.equal(outcome.resultCount, 2);
  });

  it("leaves the caller's payload as it was", async () => {
    const job = frameOf(recordsWith({}));
    const before = Buffer.from(job.payload).toString("hex");

    await pool.crunch(job);

    assert.equal(Buffer.from(job.payload).toString("hex"), before);
  });

  it("gives each of many singles its own answer, bad ones among them", async () => {
    const metas = ["", "throw", "", "number:1.5", "async"];
    const jobs = Array.from({ length: 2_000 }, (_, index) =>
      singleOf({ id: BigInt(index), data: BigInt(index), meta: metas[index % metas.length] ?? "" }),
    );
    const garbage = jobOf(Uint8Array.of(0xff), false);

    const pending = jobs.map((job) => pool.crunch(job));
    const rejected = assert.rejects(pool.crunch(garbage), /MyData/);
    assert.equal(pool.jobsInHand, 2_001);
    const outcomes = await Promise.all(pending);
    await rejected;

    for (const [index, outcome] of outcomes.entries()) {
      const isGood = [0, 2, 4].includes(index % metas.length);
      const id = BigInt(index);
      assert.deepEqual(answersOf(outcome, false), isGood ? [{ id, rData: id }] : []);
      assert.equal(outcome.failed.length, isGood ? 0 : 1);
    }
  });
});

describe("a pool's beginning and end", () => {
  it("waits for the jobs in hand when it closes, then takes no more", async () => {
    const pool = await PiscinaPool.start({ ...troublesomePool, threads: 1 });
    const jobs = Array.from({ length: 4 }, () => pool.crunch(frameOf(recordsWith({ 1: "slow:20" }))));
    let answered = 0;
    for (const job of jobs) void job.then(() => (answered += 1));

    const closing = pool.close();
    await assert.rejects(pool.crunch(singleOf({ data: 1n })), { code: "pool_closed", action: "retry" });
    await closing;
    await pool.close();

    assert.equal(answered, 4);
    assert.equal(pool.jobsInHand, 0);
  });

  it("does not start with another version of the cruncher than the engine knows", async () => {
    await assert.rejects(PiscinaPool.start({ ...troublesomePool, version: "older" }), {
      action: "stop",
      message: /is version troublesome-1 now and was older when the engine started/,
    });
  });

  it("does not start with a cruncher that ends its thread while it is loaded", async () => {
    const cruncher = fixture("main-thread-only.mjs");

    await assert.rejects(PiscinaPool.start({ ...troublesomePool, cruncher, version: "1" }), {
      action: "stop",
      message: /a thread cannot load the cruncher: .*5/,
    });
  });

  it("fails its jobs when a new thread does not get the cruncher loaded in time", async (t) => {
    const folder = tempFolder();
    t.after(() => folder.remove());
    process.env.HANGING_LOADS = join(folder.path, "hanging");
    const cruncher = fixture("loads-until.mjs");
    const options = { ...troublesomePool, cruncher, version: "1", threads: 1, loadTimeoutMs: 500 };
    const pool = await PiscinaPool.start(options);
    writeFileSync(process.env.HANGING_LOADS, "");

    await assert.rejects(pool.crunch(frameOf(recordsWith({}))), {
      action: "stop",
      message: "the cruncher was not loaded within 500 ms by a thread",
    });
    await assert.rejects(pool.crunch(frameOf(recordsWith({}))), { action: "stop" });
    await pool.close();
    await assert.rejects(PiscinaPool.start(options), { action: "stop", message: /not loaded within 500 ms/ });
  });

  it("starts and crunches with the smallest memory that can be set", async () => {
    const pool = await PiscinaPool.start({ ...troublesomePool, threadMaxMemoryMb: 16 });
    const outcome = await pool.crunch(frameOf(recordsWith({}, 5_000)));
    await pool.close();

    assert.equal(outcome.resultCount, 5_000);
  });
});
