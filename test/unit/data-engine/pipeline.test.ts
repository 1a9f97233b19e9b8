import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runPipeline } from "../../../services/data-engine/pipeline.js";
import type { PipelineEnd, PipelineParts } from "../../../services/data-engine/pipeline.js";
import { openSource } from "../../../services/data-engine/sources/index.js";
import type { Source } from "../../../services/data-engine/sources/source.js";
import { decodeRecords } from "../../../services/shared/codec/record-codec.js";
import { EngineError } from "../../../services/shared/errors.js";
import { MemoryMessaging } from "../../../services/shared/memory/memory-messaging.js";
import { HEADER } from "../../../services/shared/messaging.js";
import type { OutgoingMessage, Publisher } from "../../../services/shared/messaging.js";
import { Parker } from "../../../services/shared/parking.js";
import { NO_TRACER } from "../../../services/shared/trace/tracer.js";
import { CountingSource } from "../../support/counting-source.js";
import { HeldPublisher } from "../../support/held-publisher.js";
import { chunkOf } from "../../support/source-rows.js";
import { until } from "../../support/until.js";

interface Run {
  readonly end: Promise<PipelineEnd>;
  readonly confirmed: number[];
  readonly abort: () => void;
  hasEnded: boolean;
}

function start(source: Source, publisher: Publisher, parts: Partial<PipelineParts> = {}): Run {
  const stop = new AbortController();
  const confirmed: number[] = [];
  const end = runPipeline(
    {
      source,
      publisher,
      parker: new Parker(publisher, "test"),
      limits: { maxRecords: 10, maxBytes: 100_000, maxRecordBytes: 900_000 },
      window: 4,
      runId: "run",
      fromPosition: 0,
      admission: { admit: () => Promise.resolve(), confirmed: () => undefined },
      observer: { sending: () => undefined, confirmed: (_, position) => confirmed.push(position) },
      tracer: NO_TRACER,
      ...parts,
    },
    stop.signal,
  );
  const run: Run = { end, confirmed, abort: () => stop.abort(), hasEnded: false };
  const ended = (): void => void (run.hasEnded = true);
  end.then(ended, ended);
  return run;
}

const framesOf = (messages: readonly OutgoingMessage[]): OutgoingMessage[] =>
  messages.filter(({ subject }) => subject === "data.frame");
const parkedOf = (messages: readonly OutgoingMessage[]): OutgoingMessage[] =>
  messages.filter(({ subject }) => subject === "parked.data");
const idsOf = (messages: readonly OutgoingMessage[]): bigint[] =>
  framesOf(messages).flatMap(({ payload }) => {
    const { ids, count } = decodeRecords(payload, true);
    return [...ids.subarray(0, count)];
  });
const range = (from: number, to: number): bigint[] =>
  Array.from({ length: to - from }, (_, i) => BigInt(from + i));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (): Promise<void> => {
  for (let count = 0; count < 20; count += 1) await turn();
};

describe("data pipeline", () => {
  it("publishes every record once, in order, and ends when all is confirmed", async () => {
    const publisher = new HeldPublisher();
    publisher.holds = false;
    const run = start(new CountingSource(95), publisher);
    assert.deepEqual(await run.end, { sourceEnded: true, confirmedPosition: 95 });
    assert.deepEqual(idsOf(publisher.messages), range(1, 96));
    assert.equal(publisher.messages.length, 10);
  });

  it("does not end while a frame is unconfirmed", async () => {
    const publisher = new HeldPublisher();
    const run = start(new CountingSource(25), publisher);
    await until(() => publisher.held.length === 3);
    publisher.held[1]?.confirm();
    publisher.held[0]?.confirm();
    await turns();
    assert.equal(run.hasEnded, false);
    publisher.release();
    assert.equal((await run.end).confirmedPosition, 25);
  });

  it("sends no more than a window behind a frame that stays unconfirmed, so that no more is sent again", async () => {
    const publisher = new HeldPublisher();
    const run = start(new CountingSource(1_000), publisher, { window: 4 });
    await until(() => publisher.held.length === 4);
    for (let confirmed = 1; confirmed < 4; confirmed += 1) publisher.held[1]?.confirm();
    await turns();
    assert.equal(publisher.messages.length, 4);
    publisher.held[0]?.confirm();
    await until(() => publisher.held.length === 4);
    publisher.release();
    assert.deepEqual(await run.end, { sourceEnded: true, confirmedPosition: 1_000 });
  });

  it("stops pulling the source while the window is full", async () => {
    const publisher = new HeldPublisher();
    const source = new CountingSource(1_000_000);
    const run = start(source, publisher, { window: 4 });
    await until(() => publisher.held.length === 4);
    await turns();
    assert.equal(publisher.held.length, 4);
    assert.ok(source.pulledRows <= 57, `${String(source.pulledRows)} rows pulled`);
    publisher.held[0]?.confirm();
    await until(() => publisher.messages.length === 5);
    await turns();
    assert.equal(publisher.held.length, 4);
    run.abort();
    publisher.release();
    await run.end;
  });

  it("tells the position before which everything is confirmed, and sends it with the next frames", async () => {
    const publisher = new HeldPublisher();
    const run = start(new CountingSource(60), publisher);
    await until(() => publisher.held.length === 4);
    publisher.held[1]?.confirm();
    await until(() => run.confirmed.length === 1);
    assert.deepEqual(run.confirmed, [0]);
    publisher.held[0]?.confirm();
    await until(() => publisher.messages.length === 6);
    assert.deepEqual(run.confirmed, [0, 20]);
    const headers = publisher.messages.map((message) => message.headers ?? {});
    assert.deepEqual(
      headers.map((header) => header[HEADER.confirmed]),
      ["0", "0", "0", "0", "20", "20"],
    );
    assert.equal(headers[5]?.[HEADER.position], "60");
    assert.equal(headers[5][HEADER.records], "10");
    assert.equal(headers[5][HEADER.run], "run");
    publisher.release();
    await run.end;
  });

  it("parks bad rows and counts them as confirmed only then", async () => {
    const publisher = new HeldPublisher();
    const run = start(new CountingSource(10, [3]), publisher);
    await until(() => publisher.held.length === 2);
    const [frame] = publisher.held.filter(({ message }) => message.subject === "data.frame");
    frame?.confirm();
    await turns();
    assert.deepEqual(run.confirmed, []);
    publisher.release();
    assert.equal((await run.end).confirmedPosition, 10);
    const [parked] = parkedOf(publisher.messages);
    assert.equal(Buffer.from(parked?.payload ?? []).toString(), "r3");
    assert.equal(parked?.messageId, "parked-run-3");
    assert.equal(parked.headers?.[HEADER.reason], "bad_row");
    assert.equal(parked.headers[HEADER.error], "row 3");
    assert.equal(idsOf(publisher.messages).length, 9);
  });

  it("parks a source of nothing but bad rows without publishing empty frames", async () => {
    const publisher = new HeldPublisher();
    publisher.holds = false;
    const run = start(new CountingSource(100, [...Array(100).keys()]), publisher);
    assert.equal((await run.end).confirmedPosition, 100);
    assert.equal(framesOf(publisher.messages).length, 0);
    assert.equal(parkedOf(publisher.messages).length, 100);
  });

  it("names frames so that the same frame sent again is known and an equal one elsewhere is not", async () => {
    const ids = async (runId: string, from: number): Promise<string[]> => {
      const publisher = new HeldPublisher();
      publisher.holds = false;
      await start(new CountingSource(100), publisher, { runId, fromPosition: from }).end;
      return publisher.messages.map(({ messageId }) => messageId);
    };
    const whole = await ids("a", 0);
    assert.equal(new Set(whole).size, 10);
    assert.deepEqual(await ids("a", 40), whole.slice(4));
    assert.ok((await ids("b", 0)).every((id) => !whole.includes(id)));

    const same = new HeldPublisher();
    same.holds = false;
    const repeating: Source = {
      paced: true,
      expectedRecords: undefined,
      close: () => Promise.resolve(),
      async *chunks() {
        await Promise.resolve();
        yield chunkOf([[1n, 1n, ""]], 1);
        yield chunkOf([[1n, 1n, ""]], 2);
      },
    };
    await start(repeating, same).end;
    assert.deepEqual(same.messages[0]?.payload, same.messages[1]?.payload);
    assert.notEqual(same.messages[0]?.messageId, same.messages[1]?.messageId);
  });

  it("closes a frame at the end of each chunk of a paced source only", async () => {
    const sizes = async (paced: boolean): Promise<(string | undefined)[]> => {
      const publisher = new HeldPublisher();
      publisher.holds = false;
      await start(new CountingSource(25, [], paced), publisher).end;
      return publisher.messages.map(({ headers }) => headers?.[HEADER.records]);
    };
    assert.deepEqual(await sizes(true), ["7", "7", "7", "4"]);
    assert.deepEqual(await sizes(false), ["10", "10", "5"]);
  });

  it("takes no more when told to stop, and waits for what is in flight", async () => {
    const publisher = new HeldPublisher();
    const source = new CountingSource(1_000);
    const run = start(source, publisher, { window: 3 });
    await until(() => publisher.held.length === 3);
    run.abort();
    await turns();
    assert.equal(run.hasEnded, false);
    publisher.release();
    assert.deepEqual(await run.end, { sourceEnded: false, confirmedPosition: 30 });
    assert.equal(publisher.messages.length, 3);
    assert.ok(source.pulledRows < 60);
  });

  it("does not send a frame that is not full when told to stop, so that a resumed run cuts it alike", async () => {
    const publisher = new HeldPublisher();
    publisher.holds = false;
    const stop = new AbortController();
    const source: Source = {
      paced: false,
      expectedRecords: undefined,
      close: () => Promise.resolve(),
      async *chunks() {
        await Promise.resolve();
        yield chunkOf([[1n, 1n, ""]], 1);
        stop.abort();
      },
    };
    const parker = new Parker(publisher, "test");
    const limits = { maxRecords: 10, maxBytes: 1_000, maxRecordBytes: 1_000 };
    const observer = { sending: () => undefined, confirmed: () => undefined };
    const admission = { admit: () => Promise.resolve(), confirmed: () => undefined };
    const run = { source, publisher, parker, limits, window: 4, runId: "r", fromPosition: 0 };
    assert.deepEqual(await runPipeline({ ...run, observer, admission, tracer: NO_TRACER }, stop.signal), {
      sourceEnded: false,
      confirmedPosition: 0,
    });
    assert.equal(publisher.messages.length, 0);
  });

  it("ends with the publisher's error, with nothing left in flight", async () => {
    const publisher = new HeldPublisher();
    const run = start(new CountingSource(1_000), publisher);
    await until(() => publisher.held.length === 4);
    publisher.held[1]?.fail(new EngineError("too_large", "stop", "larger than the server takes"));
    await assert.rejects(run.end, { code: "too_large" });
    assert.equal(publisher.held.length, 0);
  });

  it("ends with the source's error once what it yielded before is confirmed", async () => {
    const publisher = new HeldPublisher();
    const source = new CountingSource(1_000);
    source.breaksAt = 21;
    const run = start(source, publisher);
    await until(() => publisher.held.length === 2);
    await turns();
    assert.equal(run.hasEnded, false);
    publisher.release();
    await assert.rejects(run.end, { code: "source_broken" });
    assert.deepEqual(run.confirmed, [10, 20]);
  });

  it("goes on after a full stream has room again, and an earlier process's frames are duplicates", async () => {
    const messaging = new MemoryMessaging();
    const source = await openSource("synthetic:?count=20000", { lingerMs: 10 });
    const limits = { maxRecords: 1_000, maxBytes: 100_000, maxRecordBytes: 900_000 };
    const first = start(source, messaging.publisher, { limits, window: 2 });
    await until(() => first.confirmed.length >= 5);
    first.abort();
    await first.end;
    const headers = await messaging.lastHeaders("data.frame");
    const resumedAt = Number(headers?.[HEADER.confirmed]);

    const second = start(source, messaging.publisher, { limits, fromPosition: resumedAt });
    assert.deepEqual(await second.end, { sourceEnded: true, confirmedPosition: 20_000 });
    assert.equal((await messaging.backlog("data")).lastSequence, 20);
    await messaging.close();
  });
});
