/** The streams as the runner sees them: a plain client of the servers, without the product's code. */
import { fromBinary } from "@bufbuild/protobuf";
import { NatsError } from "nats";
import type { JetStreamManager, StoredMsg } from "nats";
import { MyDataSchema, MyResultSchema } from "../../proto/gen/messages_pb.js";
import { withClient } from "../support/nats-fixture.js";
import type { OfferedRecord, ParkedEntry } from "./oracle.js";

const NO_MESSAGE_FOUND = 10_037;

/** What waits in both stages, in messages; undefined while no server says. */
export async function outstandingMessages(url: string): Promise<number | undefined> {
  try {
    return await withClient(url, async (nc) => {
      const jsm = await nc.jetstreamManager({ timeout: 3_000 });
      const counts = await Promise.all([
        waitingOf(jsm, "DATA", "crunch"),
        waitingOf(jsm, "RESULTS", "results"),
      ]);
      return counts.reduce((sum, count) => sum + count, 0);
    });
  } catch {
    return undefined;
  }
}

/** Messages that DATA took so far; undefined while no server says. */
export async function publishedMessages(url: string): Promise<number | undefined> {
  try {
    return await withClient(url, async (nc) => {
      const jsm = await nc.jetstreamManager({ timeout: 3_000 });
      return (await jsm.streams.info("DATA")).state.last_seq;
    });
  } catch {
    return undefined;
  }
}

async function waitingOf(jsm: JetStreamManager, stream: string, durable: string): Promise<number> {
  const info = await jsm.consumers.info(stream, durable);
  return info.num_pending + info.num_ack_pending;
}

/** Everything on PARKED. */
export async function parkedEntries(url: string): Promise<ParkedEntry[]> {
  return withClient(url, async (nc) => {
    const jsm = await nc.jetstreamManager({ timeout: 5_000 });
    const { state } = await jsm.streams.info("PARKED");
    const entries: ParkedEntry[] = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const stored = await jsm.streams.getMessage("PARKED", { seq }).catch(unlessMissing);
      if (stored !== undefined) entries.push(entryOf(stored));
    }
    return entries;
  });
}

/** A server that is killed may leave a number without a message. What should have been there, the oracle misses. */
function unlessMissing(thrown: unknown): undefined {
  if (thrown instanceof NatsError && thrown.api_error?.err_code === NO_MESSAGE_FOUND) return undefined;
  throw thrown;
}

function entryOf({ subject, header, data }: StoredMsg): ParkedEntry {
  const reason = header.get("Crunch-Reason");
  switch (reason) {
    case "undecodable":
    case "invalid_record":
      return { reason, payload: Buffer.from(data).toString("base64") };
    case "bad_row":
      return { reason, payload: Buffer.from(data).toString() };
    default:
      return { reason, record: recordOf(subject, data) };
  }
}

function recordOf(subject: string, data: Uint8Array): OfferedRecord {
  const { ID, Data, Meta } = fromBinary(subject === "parked.data" ? MyDataSchema : MyResultSchema, data);
  return { id: ID, data: Data, meta: Meta };
}
