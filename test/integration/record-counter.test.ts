/** Counting records while others count, note and trim the same stream. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { connect } from "nats";
import { MyDataFrameSchema, MyDataSchema } from "../../proto/gen/messages_pb.js";
import { HEADER } from "../../services/shared/messaging.js";
import { Link } from "../../services/shared/nats/link.js";
import { NatsNotes } from "../../services/shared/nats/nats-notes.js";
import { ParkedCounter } from "../../services/shared/nats/parked-counter.js";
import { RecordCounter } from "../../services/shared/nats/record-counter.js";
import { trimUpTo } from "../../services/shared/nats/stream-trim.js";
import type { Note, Notes } from "../../services/shared/notes.js";
import { Parker } from "../../services/shared/parking.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

const FOREIGN_FRAMES = 400;
const ONE_WAY_MS = 50;

/** Notes with something that happens right after one of them is read. */
class InterruptedNotes implements Notes {
  readonly #notes: Notes;
  afterNextRead: (() => Promise<void>) | undefined;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  async read(key: string): Promise<Note | undefined> {
    const note = await this.#notes.read(key);
    const interruption = this.afterNextRead;
    this.afterNextRead = undefined;
    await interruption?.();
    return note;
  }

  write(key: string, value: unknown, expected?: number): Promise<boolean> {
    return this.#notes.write(key, value, expected);
  }

  all(first: string): Promise<readonly Note[]> {
    return this.#notes.all(first);
  }

  remove(key: string): Promise<void> {
    return this.#notes.remove(key);
  }
}

/** Records up to an ack floor, and in all messages. */
async function countsOf(counter: RecordCounter, floor: number): Promise<number[]> {
  return [await counter.atFloor(floor), await counter.newest()];
}

describe("counting records", () => {
  let nats: NatsServer;
  before(async () => (nats = await NatsServer.start()));
  after(() => nats.stop());

  /** A stream DATA with `frames` frames of 3 records each, and what counts it. */
  async function pipelineOf(t: TestContext, frames: number) {
    const namespace = freshNamespace();
    const messaging = await connectTest(nats.url, { namespace });
    t.after(() => messaging.close());
    const publish = async (count: number, name = "f"): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        await messaging.publisher.publish({
          subject: "data.frame",
          payload: Uint8Array.of(1),
          messageId: `${name}-${String(index)}`,
          headers: { [HEADER.records]: "3" },
        });
      }
    };
    await publish(frames);
    const nc = await connect({ servers: nats.url });
    t.after(() => nc.close());
    const link = new Link(nc, await nc.jetstreamManager(), () => undefined);
    const notes = new NatsNotes(link, namespace);
    const counter = (given: Notes = notes): RecordCounter =>
      new RecordCounter(link, given, "data", namespace);
    const trim = async (upTo: number): Promise<void> => {
      const stream = `${namespace}-DATA`;
      const { state } = await link.jsm.streams.info(stream);
      const trimmed = { stream, firstSequence: state.first_seq, upTo, lastSequence: state.last_seq };
      await trimUpTo(link, trimmed, new AbortController().signal);
    };
    return { messaging, namespace, link, notes, counter, trim, publish };
  }

  it("notes what is trimmed, also by one who has counted further already", async (t) => {
    const { counter, trim } = await pipelineOf(t, 10);
    const ours = counter();
    assert.deepEqual(await countsOf(ours, 8), [24, 30]);
    await ours.keep(5);
    await trim(5);
    assert.deepEqual(await countsOf(counter(), 8), [24, 30]);
    assert.deepEqual(await countsOf(ours, 9), [27, 30]);
  });

  it("stays right when somebody else notes and trims in the middle of it", async (t) => {
    const { counter, notes, trim, publish } = await pipelineOf(t, 10);
    const interrupted = new InterruptedNotes(notes);
    const ours = counter(interrupted);
    const theirs = counter();
    await ours.keep(2);
    await trim(2);
    interrupted.afterNextRead = async () => {
      await theirs.keep(6);
      await trim(6);
    };
    await ours.keep(8);
    await trim(8);
    assert.deepEqual(await countsOf(ours, 8), [24, 30]);
    assert.deepEqual(await countsOf(counter(), 8), [24, 30]);
    await publish(1, "more");
    assert.deepEqual(await countsOf(theirs, 10), [30, 33]);
  });

  it("counts the frames of other clients over a long link faster than one in a round trip", async (t) => {
    const { namespace, notes } = await pipelineOf(t, 0);
    const records = Array.from({ length: 3 }, (_, index) => create(MyDataSchema, { ID: BigInt(index) }));
    const frame = toBinary(MyDataFrameSchema, create(MyDataFrameSchema, { records }));
    await withClient(nats.url, async (nc) => {
      for (let index = 0; index < FOREIGN_FRAMES; index += 1) nc.publish(`${namespace}.data.frame`, frame);
      await nc.flush();
    });
    const proxy = await TcpProxy.start(nats.port);
    t.after(() => proxy.close());
    const nc = await connect({ port: proxy.port });
    t.after(() => nc.close());
    const link = new Link(nc, await nc.jetstreamManager(), () => undefined);
    proxy.latency(ONE_WAY_MS);
    const counting = new RecordCounter(link, notes, "data", namespace).newest();
    let counted: number | undefined;
    void counting.then((count) => (counted = count));
    await until(() => counted !== undefined, (FOREIGN_FRAMES * 2 * ONE_WAY_MS) / 4, "the count");
    assert.equal(counted, FOREIGN_FRAMES * records.length);
  });

  it("counts what was parked, also when it is noted and removed in the middle of it", async (t) => {
    const { messaging, namespace, link, notes } = await pipelineOf(t, 0);
    const parker = new Parker(messaging.publisher, "e");
    const park = (id: string): Promise<void> =>
      parker.park({ topic: "data", payload: Uint8Array.of(1), reason: "r", error: "", id });
    await park("a");
    const interrupted = new InterruptedNotes(notes);
    const ours = new ParkedCounter(link, interrupted, namespace);
    assert.equal((await ours.look()).rows, 1);
    await park("b");
    interrupted.afterNextRead = async () => {
      for await (const entry of messaging.parkedStore.entries()) await messaging.parkedStore.remove(entry);
    };
    assert.equal((await ours.look()).rows, 2);
    await park("c");
    assert.equal((await ours.look()).rows, 3);
  });
});
