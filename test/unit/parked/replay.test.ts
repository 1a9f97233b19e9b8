import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseFilter } from "../../../services/parked/parked-filter.js";
import type { FilterWords } from "../../../services/parked/parked-filter.js";
import { drop } from "../../../services/parked/drop.js";
import { replay } from "../../../services/parked/replay.js";
import type { ReplayParts } from "../../../services/parked/replay.js";
import { MemoryMessaging } from "../../../services/shared/memory/memory-messaging.js";
import { HEADER } from "../../../services/shared/messaging.js";
import type { IncomingMessage, Topic } from "../../../services/shared/messaging.js";
import { Parker } from "../../../services/shared/parking.js";
import { encodeRecord } from "../../../services/shared/codec/record-codec.js";
import { entriesIn, parkedRecord } from "../../contract/parked-store-contract.js";
import { collect } from "../../support/collect.js";
import { frameOf } from "../../support/jobs.js";
import { until } from "../../support/until.js";

const filterOf = (words: FilterWords = {}) => parseFilter(words, Date.now());

function partsOf(messaging: MemoryMessaging): ReplayParts {
  return {
    store: messaging.parkedStore,
    publisher: messaging.publisher,
    lastHeaders: (subject) => messaging.lastHeaders(subject),
  };
}

/** All that a topic holds. */
async function drained(messaging: MemoryMessaging, topic: Topic, count: number): Promise<IncomingMessage[]> {
  const consumer = await messaging.consumer({ topic, maxInFlight: 100, ackWaitMs: 60_000 });
  const collected = collect(consumer);
  await until(() => collected.messages.length >= count);
  await collected.stop();
  return collected.messages;
}

describe("replay", () => {
  it("publishes the original bytes where they came from and takes the entries out", async () => {
    const messaging = new MemoryMessaging();
    const parker = new Parker(messaging.publisher, "e");
    const frame = frameOf([{ data: 1n }, { data: 2n }]).payload;
    await parker.park(parkedRecord("single", encodeRecord(7n, 1n, "x")));
    await parker.park({ ...parkedRecord("frame", frame), subject: "data.frame", records: 2 });
    await parker.park({ ...parkedRecord("result"), topic: "results", subject: "results" });

    const counts = await replay(partsOf(messaging), filterOf());

    assert.deepEqual(counts, {
      replayed: 3,
      alreadySent: 0,
      skipped: 0,
      failed: 0,
      missing: 0,
      notes: [],
    });
    assert.deepEqual(await entriesIn(messaging.parkedStore), []);
    const data = await drained(messaging, "data", 2);
    assert.deepEqual(
      data.map(({ isFrame, payload }) => [isFrame, [...payload]]),
      [
        [false, [...encodeRecord(7n, 1n, "x")]],
        [true, [...frame]],
      ],
    );
    assert.equal(data[1]?.headers[HEADER.records], "2");
    for (const { trace } of data) assert.deepEqual(trace, parkedRecord("single").trace);
    assert.deepEqual(
      (await drained(messaging, "results", 1)).map(({ isFrame }) => isFrame),
      [false],
    );
  });

  it("stores once what is replayed again after it was cut off between confirm and removal", async () => {
    const messaging = new MemoryMessaging();
    await new Parker(messaging.publisher, "e").park(parkedRecord("a"));
    const parts = partsOf(messaging);
    const killed = { ...parts.store, remove: () => Promise.reject(new Error("killed")) };
    const { store } = parts;
    const cutOff = { ...parts, store: { ...killed, entries: (from?: number) => store.entries(from) } };
    await assert.rejects(replay(cutOff, filterOf()), /killed/);

    const again = await replay(parts, filterOf());
    const third = await replay(parts, filterOf({ sequences: ["1"] }));

    assert.deepEqual([again.replayed, again.alreadySent], [0, 1]);
    assert.deepEqual([third.replayed, third.alreadySent, third.missing], [0, 0, 1]);
    assert.equal((await messaging.backlog("data")).lastSequence, 1);
  });

  it("leaves a row of a file where it is and says what to do instead", async () => {
    const messaging = new MemoryMessaging();
    const parker = new Parker(messaging.publisher, "e");
    const row = { topic: "data", payload: Buffer.from("1.5,x"), reason: "bad_row", error: "line 3" } as const;
    for (const id of ["r1", "r2"]) await parker.park({ ...row, id });
    await parker.park(parkedRecord("a"));

    const counts = await replay(partsOf(messaging), filterOf());

    assert.deepEqual([counts.replayed, counts.skipped], [1, 2]);
    assert.equal(counts.notes.length, 1);
    assert.match(counts.notes[0] ?? "", /never a message: correct it where it came from/);
    assert.equal((await entriesIn(messaging.parkedStore)).length, 2);
  });

  it("keeps what the newest frame says of its run, so that a resumed run does not start over", async () => {
    const messaging = new MemoryMessaging();
    const headers = { [HEADER.run]: "r1", [HEADER.position]: "20", [HEADER.confirmed]: "10" };
    const { payload } = frameOf([{ data: 1n }]);
    await messaging.publisher.publish({ subject: "data.frame", payload, messageId: "f", headers });
    await new Parker(messaging.publisher, "e").park({ ...parkedRecord("a"), subject: "data.frame" });

    await replay(partsOf(messaging), filterOf());

    const last = await messaging.lastHeaders("data.frame");
    assert.match(last?.["Nats-Msg-Id"] ?? "", /^replay-/);
    assert.deepEqual([last?.[HEADER.run], last?.[HEADER.confirmed]], ["r1", "10"]);
  });

  it("goes on behind an entry that no server takes any more", async () => {
    const messaging = new MemoryMessaging({ maxPayloadBytes: 100 });
    const parker = new Parker(messaging.publisher, "e");
    await parker.park(parkedRecord("large", new Uint8Array(150)));
    await parker.park(parkedRecord("small"));

    const counts = await replay(partsOf(messaging), filterOf());

    assert.deepEqual([counts.replayed, counts.failed], [1, 1]);
    assert.match(counts.notes[0] ?? "", /150 bytes .* limit of 100/);
    assert.deepEqual(
      (await entriesIn(messaging.parkedStore)).map(({ sequence }) => sequence),
      [1],
    );
  });

  it("does not follow entries that come back while it runs", async () => {
    const messaging = new MemoryMessaging();
    const parker = new Parker(messaging.publisher, "e");
    for (let id = 0; id < 10; id += 1) await parker.park(parkedRecord(String(id)));
    let parkedAgain = 0;
    const parts = partsOf(messaging);
    const publish: typeof parts.publisher.publish = async (message) => {
      await parker.park(parkedRecord(`again-${String((parkedAgain += 1))}`));
      return messaging.publisher.publish(message);
    };

    const counts = await replay({ ...parts, publisher: { publish, blockedBy: () => undefined } }, filterOf());

    assert.equal(counts.replayed, 10);
    assert.equal((await entriesIn(messaging.parkedStore)).length, 10);
  });
});

describe("drop", () => {
  it("drops what matches once a person says yes, and counts the records it takes away", async () => {
    const messaging = new MemoryMessaging();
    const parker = new Parker(messaging.publisher, "e");
    await parker.park(parkedRecord("a"));
    await parker.park({ ...parkedRecord("b"), reason: "undecodable", subject: "data.frame", records: 50 });
    const questions: string[] = [];
    const answer = (yes: boolean) => (question: string) => {
      questions.push(question);
      return Promise.resolve(yes);
    };
    const filter = filterOf({ reason: ["undecodable"] });

    assert.equal(await drop(messaging.parkedStore, filter, answer(false)), undefined);
    assert.equal((await entriesIn(messaging.parkedStore)).length, 2);
    const counts = await drop(messaging.parkedStore, filter, answer(true));

    assert.deepEqual(counts, { dropped: 1, records: 50, missing: 0 });
    assert.deepEqual(questions, Array(2).fill("Drop 1 parked item (50 records) for ever?"));
    assert.deepEqual(
      (await entriesIn(messaging.parkedStore)).map(({ reason }) => reason),
      ["cruncher_threw"],
    );
  });

  it("asks nothing where nothing matches, and counts what is not parked", async () => {
    const never = () => Promise.reject(new Error("asked"));
    const counts = await drop(new MemoryMessaging().parkedStore, filterOf({ sequences: ["3", "4"] }), never);
    assert.deepEqual(counts, { dropped: 0, records: 0, missing: 2 });
  });
});
