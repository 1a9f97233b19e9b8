/**
 * A client that is not ours: singles, frames and rubbish, each sent again with the same message id
 * until the stream confirms it. Only then the oracle holds us to it.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { connect } from "nats";
import type { JetStreamClient, NatsConnection } from "nats";
import { setTimeout as delay } from "node:timers/promises";
import { MyDataFrameSchema, MyDataSchema } from "../../proto/gen/messages_pb.js";
import type { OfferedRecord, Oracle } from "./oracle.js";
import type { Random } from "./random.js";
import { fateOf, randomRecord } from "./records.js";

export interface ForeignClientOptions {
  readonly natsUrl: string;
  readonly oracle: Oracle;
  readonly random: Random;
  readonly recordsPerSecond: number;
}

const STEP_MS = 25;
const MAX_FRAME_RECORDS = 120;
/** One message in three is a single, one in so many is rubbish. */
const RUBBISH_ONE_IN = 200;
const INVALID_ENTRY_ONE_IN = 150;
const ATTEMPT_MS = 1_000;
const RETRY_MS = 150;
/** Messages on their way; more are not sent, as the stream pushes back. */
const WINDOW = 100;

interface Offer {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly confirm: (where: string) => void;
}

export class ForeignClient {
  readonly #options: ForeignClientOptions;
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #sending: Promise<void> = Promise.resolve();
  #sentMessages = 0;
  #nextId = 1n;
  #refusals = 0;

  private constructor(options: ForeignClientOptions, nc: NatsConnection) {
    this.#options = options;
    this.#nc = nc;
    this.#js = nc.jetstream({ timeout: ATTEMPT_MS });
  }

  static async start(options: ForeignClientOptions): Promise<ForeignClient> {
    const nc = await connect({
      servers: options.natsUrl.split(","),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 2_000,
      noAsyncTraces: true,
    });
    const client = new ForeignClient(options, nc);
    client.#sending = client.#sendOn();
    return client;
  }

  /** Attempts that were not confirmed and made again. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Sends no more, and waits until what was sent is confirmed or `deadlineMs` is over. */
  async stop(deadlineMs: number): Promise<void> {
    this.#ending.abort();
    await this.#sending;
    await Promise.race([Promise.all(this.#inFlight), delay(deadlineMs, undefined, { ref: false })]);
    await this.#nc.close();
  }

  /** As many records as are due, in steps. */
  async #sendOn(): Promise<void> {
    const { recordsPerSecond, random } = this.#options;
    let owed = 0;
    while (!this.#ending.signal.aborted) {
      await delay(STEP_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      owed = Math.min(owed + (recordsPerSecond * STEP_MS) / 1_000, recordsPerSecond);
      while (owed >= 1 && this.#inFlight.size < WINDOW) {
        const records = random.chance(1 / 3) ? 1 : random.int(1, MAX_FRAME_RECORDS);
        owed -= records;
        this.#send(random.chance(1 / RUBBISH_ONE_IN) ? this.#rubbish() : this.#offer(records));
      }
    }
  }

  #send(offer: Offer): void {
    this.#sentMessages += 1;
    const sending = this.#untilConfirmed(offer, `foreign-${String(this.#sentMessages)}`).then(() => {
      this.#inFlight.delete(sending);
    });
    this.#inFlight.add(sending);
  }

  async #untilConfirmed({ subject, payload, confirm }: Offer, msgID: string): Promise<void> {
    while (!this.#nc.isClosed()) {
      try {
        const { stream, seq } = await this.#js.publish(subject, payload, { msgID });
        confirm(`as ${stream} ${String(seq)} at ${new Date().toISOString()}`);
        return;
      } catch {
        this.#refusals += 1;
        await delay(RETRY_MS);
      }
    }
  }

  #offer(count: number): Offer {
    const { oracle, random } = this.#options;
    const records = Array.from({ length: count }, () => randomRecord(this.#newId(), random));
    for (const record of records) oracle.offer(record, fateOf(record));
    const confirmRecords = (where: string): void => {
      for (const { id } of records) oracle.confirm(id, where);
    };
    const [only] = records;
    if (count === 1 && only !== undefined && random.chance(0.8)) {
      return { subject: "data", payload: encodeSingle(only), confirm: confirmRecords };
    }
    const frame = encodeFrame(records);
    if (!random.chance(1 / INVALID_ENTRY_ONE_IN)) {
      return { subject: "data.frame", payload: frame, confirm: confirmRecords };
    }
    // One entry whose Meta is no UTF-8, among good ones.
    const invalid = Buffer.concat([encodeSingle({ id: this.#newId(), data: 1n, meta: "" }), INVALID_META]);
    const text = invalid.toString("base64");
    oracle.offerPoison(text, "invalid_record");
    return {
      subject: "data.frame",
      payload: Buffer.concat([frame, Buffer.from([0x0a, invalid.length]), invalid]),
      confirm: (where) => {
        confirmRecords(where);
        oracle.confirmPoison(text, where);
      },
    };
  }

  /** Bytes that are no protobuf: wire type 7 does not exist. */
  #rubbish(): Offer {
    const { oracle, random } = this.#options;
    const payload = Buffer.from(`\x0f rubbish ${String(this.#sentMessages)}`);
    const text = payload.toString("base64");
    oracle.offerPoison(text, "undecodable");
    const subject = random.pick(["data", "data.frame", "results", "results.frame"]);
    return { subject, payload, confirm: (where) => oracle.confirmPoison(text, where) };
  }

  /** Large, negative and plain ones, none of them twice and none of the file's. */
  #newId(): bigint {
    const number = this.#nextId;
    this.#nextId += 1n;
    const starts = [10n ** 12n, -(2n ** 63n), 2n ** 53n];
    return (starts[Number(number % 3n)] ?? 0n) + number;
  }
}

/** Field 3, two bytes that UTF-8 does not know. */
const INVALID_META = Buffer.from([0x1a, 0x02, 0xc3, 0x28]);

function encodeSingle({ id, data, meta }: OfferedRecord): Uint8Array {
  return toBinary(MyDataSchema, create(MyDataSchema, { ID: id, Data: data, Meta: meta }));
}

function encodeFrame(records: readonly OfferedRecord[]): Uint8Array {
  return toBinary(
    MyDataFrameSchema,
    create(MyDataFrameSchema, {
      records: records.map(({ id, data, meta }) => ({ ID: id, Data: data, Meta: meta })),
    }),
  );
}
