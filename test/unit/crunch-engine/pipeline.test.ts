import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeRecords } from "../../../services/shared/codec/record-codec.js";
import { decodeResults } from "../../../services/shared/codec/result-codec.js";
import { EngineError } from "../../../services/shared/errors.js";
import { HEADER } from "../../../services/shared/messaging.js";
import type { IncomingMessage } from "../../../services/shared/messaging.js";
import { PipelineUnderTest, confirm } from "../../support/crunch-pipeline.js";
import { frameOf, jobOf, singleOf } from "../../support/jobs.js";
import type { TestRecord } from "../../support/jobs.js";

const records = (count: number, meta = ""): TestRecord[] =>
  Array.from({ length: count }, (_, index) => ({ data: BigInt(index), meta }));

describe("the crunch pipeline", () => {
  it("answers a frame on results.frame and a single on results", async () => {
    const bench = new PipelineUnderTest();

    const { totals, endings } = await bench.handle(frameOf(records(3)), singleOf({ data: 5n }));

    assert.deepEqual(endings, ["acked", "acked"]);
    assert.deepEqual(bench.subjects(), ["results.frame", "results"]);
    assert.deepEqual(
      bench.published.map((message) => message.headers?.[HEADER.records]),
      ["3", "1"],
    );
    assert.deepEqual(totals, { crunched: 4, parked: 0 });
  });

  it("hands the trace of a message on to its result, and makes none while nobody records", async () => {
    const bench = new PipelineUnderTest();
    const trace = {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
      tracestate: "a=1",
    };

    await bench.handle({ ...singleOf({ data: 5n }), trace }, singleOf({ data: 6n }), frameOf(records(2)));

    assert.deepEqual(
      bench.published.map((message) => message.headers),
      [{ [HEADER.records]: "1", ...trace }, { [HEADER.records]: "1" }, { [HEADER.records]: "2" }],
    );
  });

  it("does not ack a message whose result was not stored", async () => {
    const bench = new PipelineUnderTest();
    bench.store = () => Promise.reject(new EngineError("aborted", "stop", "not stored"));

    const { totals, endings } = await bench.handle(frameOf(records(3)));

    assert.equal((endings[0] as EngineError).action, "stop");
    assert.equal(totals.crunched, 0);
  });

  it("acks only after the stream has confirmed", async () => {
    const bench = new PipelineUnderTest();
    let store: (() => void) | undefined;
    bench.store = () => new Promise((resolve) => (store = () => resolve(confirm(false))));
    let isAcked = false;

    const handled = bench.handle(frameOf(records(3))).then(() => (isAcked = true));
    while (store === undefined) await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(isAcked, false);
    store();
    await handled;

    assert.equal(isAcked, true);
  });

  it("parks each failed record alone, with its reason, before the ack", async () => {
    const bench = new PipelineUnderTest();
    bench.pool.failing = [1, 2];
    const frame = frameOf(records(4));

    const { totals } = await bench.handle(frame);

    assert.deepEqual(totals, { crunched: 2, parked: 2 });
    const parked = bench.published.filter((message) => message.subject === "parked.data");
    assert.deepEqual(
      parked.map((message) => decodeRecords(message.payload, false).data[0]),
      [1n, 2n],
    );
    const [first] = parked;
    assert.equal(first?.headers?.[HEADER.reason], "cruncher_threw");
    assert.equal(first.headers[HEADER.error], "Error: no");
    assert.equal(first.headers[HEADER.sequence], String(frame.origin.sequence));
    const results = bench.published.find((message) => message.subject === "results.frame");
    assert.equal(decodeResults(results?.payload ?? new Uint8Array(), true).count, 2);
  });

  it("does not ack a message whose failed record was not parked", async () => {
    const bench = new PipelineUnderTest();
    bench.pool.failing = [0];
    bench.store = ({ subject }) =>
      subject === "parked.data"
        ? Promise.reject(new EngineError("aborted", "stop", "not parked"))
        : Promise.resolve(confirm(false));

    const { endings } = await bench.handle(frameOf(records(2)));

    assert.equal((endings[0] as EngineError).message, "not parked");
  });

  it("publishes nothing when every record failed, and parks all of a large frame", async () => {
    const bench = new PipelineUnderTest();
    bench.pool.failing = Array.from({ length: 300 }, (_, index) => index);
    let inFlight = 0;
    let mostInFlight = 0;
    bench.store = async () => {
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      await new Promise(setImmediate);
      inFlight -= 1;
      return confirm(false);
    };

    const { totals } = await bench.handle(frameOf(records(300)));

    assert.deepEqual(totals, { crunched: 0, parked: 300 });
    assert.deepEqual(new Set(bench.subjects()), new Set(["parked.data"]));
    assert.equal(new Set(bench.published.map((message) => message.messageId)).size, 300);
    assert.equal(mostInFlight, 64);
  });

  it("uses the same message ids for a redelivery, and others for another cruncher or message", async () => {
    const frame = frameOf(records(3));
    const idsOf = async (messages: IncomingMessage["origin"][], version = "1"): Promise<string[]> => {
      const bench = new PipelineUnderTest();
      bench.pool.failing = [2];
      bench.cruncher = { name: "identity", version };
      await bench.handle(...messages.map((origin) => ({ ...frame, origin })));
      return bench.published.map((message) => message.messageId).sort();
    };

    const first = await idsOf([frame.origin]);
    const again = await idsOf([{ ...frame.origin, deliveries: 2 }]);
    assert.deepEqual(again, first);

    const others = [
      await idsOf([{ ...frame.origin, sequence: 999_999 }]),
      await idsOf([{ ...frame.origin, streamCreatedAt: "2027-01-01T00:00:00Z" }]),
      await idsOf([frame.origin], "2"),
    ];
    const resultIds = [first, ...others].map((ids) => ids.find((id) => !id.startsWith("parked-")));
    assert.equal(new Set(resultIds).size, 4);
  });

  it("uses other ids for results that lack other records: one that fails here may succeed elsewhere", async () => {
    // With one id for both, the answer of the engine that comes second would be taken for known and
    // a record that only it could crunch would be lost.
    const frame = frameOf(records(3));
    const ids = new Set<string | undefined>();
    for (const failing of [[], [1], [2], [1, 2]]) {
      const bench = new PipelineUnderTest();
      bench.pool.failing = failing;
      await bench.handle(frame);
      ids.add(bench.published.find(({ subject }) => subject === "results.frame")?.messageId);
    }
    assert.equal(ids.size, 4);
  });

  it("makes a short plain message id of any file name", async () => {
    const bench = new PipelineUnderTest();
    bench.cruncher = { name: `my crünchers\n${"x".repeat(300)}.mjs`, version: "1" };

    await bench.handle(singleOf({ data: 1n }));

    assert.match(bench.published[0]?.messageId ?? "", /^[\x21-\x7e]{1,120}$/);
  });

  it("hands the verdict on bytes that are no record to the consumer, and counts them", async () => {
    const bench = new PipelineUnderTest();

    const { totals, endings } = await bench.handle(jobOf(Uint8Array.of(0xff), true));

    const [ending] = endings;
    assert.ok(ending instanceof EngineError);
    assert.deepEqual([ending.code, ending.action], ["undecodable", "park"]);
    assert.deepEqual(totals, { crunched: 0, parked: 1 });
  });

  it("counts records, messages by kind, failures by reason and time", async () => {
    const bench = new PipelineUnderTest();
    bench.pool.failing = [0];

    await bench.handle(frameOf(records(5)), frameOf(records(1)));

    const text = await bench.metrics.registry.metrics();
    assert.match(text, /^crunch_records_total\{.*\} 4$/m);
    assert.match(text, /^crunch_messages_total\{kind="frame".*\} 2$/m);
    assert.match(text, /^crunch_failed_records_total\{reason="cruncher_threw".*\} 2$/m);
    assert.match(text, /^crunch_duration_seconds_sum\{.*\} 0\.002$/m);
  });
});

describe("results that are larger than the server takes", () => {
  const maxBytes = 1_000;
  function limited(): PipelineUnderTest {
    const bench = new PipelineUnderTest();
    bench.store = ({ payload }) =>
      payload.length > maxBytes
        ? Promise.reject(new EngineError("too_large", "stop", `larger than ${String(maxBytes)}`))
        : Promise.resolve(confirm(false));
    return bench;
  }

  it("are stored in parts with ids of their own, the same at each delivery", async () => {
    const frame = frameOf(records(50, "twenty characters..."));
    const runs = [limited(), limited()];
    for (const bench of runs) {
      const { totals, endings } = await bench.handle(frame);
      assert.deepEqual(endings, ["acked"]);
      assert.deepEqual(totals, { crunched: 50, parked: 0 });
    }

    const [parts, again] = runs.map((bench) =>
      bench.published.filter((message) => message.payload.length <= maxBytes),
    );
    assert.ok(parts !== undefined && again !== undefined);
    const data = parts.flatMap((part) => [...decodeResults(part.payload, true).data]);
    assert.deepEqual(
      data.map(Number).sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, index) => index),
    );
    assert.equal(new Set(parts.map((part) => part.messageId)).size, parts.length);
    assert.deepEqual(
      again.map((part) => part.messageId),
      parts.map((part) => part.messageId),
    );
  });

  it("park the one record whose result is too large by itself, and store its neighbours", async () => {
    const bench = limited();
    bench.pool.failing = [0];
    // Its record fits, its result does not.
    const large = { data: 77n, meta: "x".repeat(maxBytes - 12) };

    const { totals, endings } = await bench.handle(frameOf([...records(3), large, ...records(3)]));

    assert.deepEqual(endings, ["acked"]);
    assert.deepEqual(totals, { crunched: 5, parked: 2 });
    const [, parked] = bench.published.filter((message) => message.subject === "parked.data");
    assert.equal(parked?.headers?.[HEADER.reason], "result_too_large");
    assert.match(parked.headers[HEADER.error] ?? "", /larger than 1000/);
    assert.equal(decodeRecords(parked.payload, false).data[0], 77n);
  });

  it("park a single whose result is too large", async () => {
    const bench = limited();

    const { totals } = await bench.handle(singleOf({ data: 1n, meta: "x".repeat(maxBytes - 12) }));

    assert.deepEqual(totals, { crunched: 0, parked: 1 });
  });
});
