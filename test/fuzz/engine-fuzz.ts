/**
 * Malformed messages among valid neighbours through a real nats-server, a crunch-engine and a
 * results-engine. At the end every neighbour is in the table exactly once, and of the malformed ones
 * exactly what the oracle says: a row for each valid entry, a parked message for everything else.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { connect } from "nats";
import type { JetStreamClient } from "nats";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";
import { expectedOf, recordKind, resultKind } from "../unit/shared/codec/oracle.js";
import { malformedMessage } from "./malformed-messages.js";
import type { Malformed } from "./malformed-messages.js";
import { Random } from "./random.js";

/** A valid neighbour after so many malformed messages. */
const NEIGHBOUR_EVERY = 4;
/** Far from what {@link malformedMessage} draws: the chance of one in between is one in 2^40. */
const FIRST_NEIGHBOUR_ID = 0x5eed_0000_0000_0000n;
const PUBLISHED_AT_ONCE = 256;
/** Longest time until all is stored or parked, in milliseconds, and the same again per thousand messages. */
const DEADLINE_MS = 30_000;

export interface EngineTotals {
  readonly malformed: number;
  readonly neighbours: number;
  /** Different IDs in the table. */
  readonly ids: number;
  readonly parked: number;
}

/** What must be there at the end. */
interface Expected {
  readonly ids: Set<bigint>;
  parked: number;
}

/** @param folder an empty folder for the table */
export async function fuzzEngines(count: number, seed: number, folder: string): Promise<EngineTotals> {
  const nats = await NatsServer.start();
  const env = { NATS_URL: nats.url, CRUNCHER: "identity", SINK: "duckdb:fuzz.duckdb", THREADS: "2" };
  const engines = ["results", "engine"].map((name) => new CrunchProcess([name], env, folder));
  const nc = await connect({ servers: nats.url });
  try {
    await Promise.all(engines.map((engine) => engine.started()));
    const expected: Expected = { ids: new Set(), parked: 0 };
    await publishAll(nc.jetstream(), messagesOf(count, new Random(seed), expected));
    const jsm = await nc.jetstreamManager();
    const parkedNow = async (): Promise<number> => (await jsm.streams.info("PARKED")).state.last_seq;
    const isDone = async (): Promise<boolean> => {
      if (engines.some((engine) => engine.ended)) throw new Error("an engine ended");
      const waiting = await Promise.all([
        jsm.consumers.info("DATA", "crunch"),
        jsm.consumers.info("RESULTS", "results"),
      ]);
      return waiting.every(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending === 0);
    };
    await until(isDone, DEADLINE_MS * (1 + count / 1_000), "every message stored or parked");
    const parked = await parkedNow();
    for (const engine of engines) engine.kill("SIGTERM");
    for (const engine of engines) strictEqual((await engine.exited).code, 0, engine.stdout.slice(-2_000));
    const ids = await storedIds(join(folder, "fuzz.duckdb"));
    deepStrictEqual(ids, expected.ids);
    strictEqual(parked, expected.parked);
    return { malformed: count, neighbours: Math.ceil(count / NEIGHBOUR_EVERY), ids: ids.size, parked };
  } finally {
    for (const engine of engines) engine.kill("SIGKILL");
    await nc.close();
    await nats.stop();
  }
}

/** Malformed messages with neighbours between them; notes what must become of each. */
function* messagesOf(count: number, random: Random, expected: Expected): Generator<Malformed> {
  for (let index = 0; index < count; index += 1) {
    if (index % NEIGHBOUR_EVERY === 0) {
      const id = FIRST_NEIGHBOUR_ID + BigInt(index);
      expected.ids.add(id);
      yield { topic: "data", isFrame: false, payload: encodeRecord(id, id, "neighbour") };
    }
    const message = malformedMessage(random);
    const kind = message.topic === "data" ? recordKind : resultKind;
    const entries = expectedOf<{ ID: bigint }>(kind, message.payload, message.isFrame);
    for (const { ID } of entries?.rows ?? []) expected.ids.add(ID);
    expected.parked += entries?.invalid.length ?? 1;
    yield message;
  }
}

async function publishAll(js: JetStreamClient, messages: Iterable<Malformed>): Promise<void> {
  const waiting = messages[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      const { topic, isFrame, payload } = next.value;
      await js.publish(`${topic}${isFrame ? ".frame" : ""}`, payload);
    }
  };
  await Promise.all(Array.from({ length: PUBLISHED_AT_ONCE }, lane));
}

/** @throws Error when an ID is there twice, or a neighbour with another RData */
async function storedIds(path: string): Promise<Set<bigint>> {
  const rows = await queryDuckDb(path, "select ID, RData from results");
  const ids = new Set(rows.map(({ ID }) => ID as bigint));
  strictEqual(ids.size, rows.length, "an ID is in the table twice");
  for (const { ID, RData } of rows) {
    if ((ID as bigint) >= FIRST_NEIGHBOUR_ID && (ID as bigint) < FIRST_NEIGHBOUR_ID + 2n ** 24n) {
      ok(ID === RData, `neighbour ${String(ID)} has RData ${String(RData)}`);
    }
  }
  return ids;
}
