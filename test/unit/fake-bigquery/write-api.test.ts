/** The fake's Storage Write API as Google's own client finds it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { BigQueryWriteClient } from "@google-cloud/bigquery-storage/build/src/v1/big_query_write_client.js";
import { credentials } from "@grpc/grpc-js";
import { PassThroughClient } from "google-auth-library";
import { FakeBigQuery } from "../../../services/fake-bigquery/fake-bigquery.js";

const TABLE = "projects/p/datasets/d/tables/t";
const FIELDS = [
  { name: "ID", type: "INTEGER", mode: "REQUIRED" },
  { name: "At", type: "TIMESTAMP" },
];
const DESCRIPTOR = {
  name: "Row",
  field: [
    { name: "ID", number: 1, type: "TYPE_INT64", label: "LABEL_OPTIONAL" },
    { name: "At", number: 2, type: "TYPE_INT64", label: "LABEL_OPTIONAL" },
  ],
};

interface Answer {
  readonly appendResult?: { readonly offset?: { readonly value: string } | null } | null;
  readonly error?: { readonly code: number; readonly message: string } | null;
  readonly rowErrors?: readonly { readonly index: string; readonly message: string }[];
}

/** A row with an ID below 128. */
const row = (id: number): Buffer => Buffer.from([8, id]);

async function open(t: TestContext) {
  const fake = await FakeBigQuery.start({ writePort: 0 });
  fake.define("d", "t", { schema: { fields: FIELDS } });
  const options: object = {
    apiEndpoint: "127.0.0.1",
    port: Number(new URL(fake.write.url).port),
    sslCreds: credentials.createInsecure(),
    authClient: new PassThroughClient(),
  };
  const client = new BigQueryWriteClient({ ...options });
  t.after(async () => {
    await client.close();
    await fake.close();
  });
  /** Appends on a stream of its own. */
  const append = async (stream: string, rows: readonly Uint8Array[], offset?: number): Promise<Answer> => {
    const call = client.appendRows();
    call.on("error", () => undefined);
    const answered = once(call, "data") as Promise<[Answer]>;
    call.write({
      writeStream: stream,
      ...(offset === undefined ? {} : { offset: { value: offset } }),
      protoRows: { writerSchema: { protoDescriptor: DESCRIPTOR }, rows: { serializedRows: rows } },
    });
    const [answer] = await answered;
    call.end();
    return answer;
  };
  const make = async (type: "COMMITTED" | "PENDING"): Promise<string> => {
    const [stream] = await client.createWriteStream({ parent: TABLE, writeStream: { type } });
    return stream.name ?? "";
  };
  const ids = (): unknown[] => fake.rows("d", "t").map(({ ID }) => ID);
  return { fake, client, append, make, ids };
}

describe("the fake's Storage Write API", () => {
  it("takes each offset of a committed stream once and in order", async (t) => {
    const { append, make, ids } = await open(t);
    const stream = await make("COMMITTED");

    const first = await append(stream, [row(1), row(2)], 0);
    const again = await append(stream, [row(1), row(2)], 0);
    const ahead = await append(stream, [row(9)], 5);
    const second = await append(stream, [row(3)], 2);

    assert.deepEqual([first.appendResult?.offset?.value, second.appendResult?.offset?.value], ["0", "2"]);
    assert.deepEqual([again.error?.code, ahead.error?.code], [6, 11]);
    assert.deepEqual(ids(), ["1", "2", "3"]);
  });

  it("shows rows of a pending stream after its commit, which may be repeated", async (t) => {
    const { client, append, make, ids } = await open(t);
    const stream = await make("PENDING");
    const commit = { parent: TABLE, writeStreams: [stream] };
    await append(stream, [row(1), row(2)], 0);
    await assert.rejects(client.batchCommitWriteStreams(commit), /finalized/);

    const [end] = await client.finalizeWriteStream({ name: stream });
    assert.equal(String(end.rowCount), "2");
    assert.deepEqual(ids(), []);
    assert.equal((await append(stream, [row(3)], 2)).error?.code, 3);
    await client.batchCommitWriteStreams(commit);
    await client.batchCommitWriteStreams(commit);

    assert.deepEqual(ids(), ["1", "2"]);
    const [state] = await client.getWriteStream({ name: stream });
    assert.ok(Number(state.commitTime?.seconds) > 0);
  });

  it("takes no offset and no request over 10 MB on the default stream, and no row with a bad one", async (t) => {
    const { append, ids } = await open(t);
    const stream = `${TABLE}/streams/_default`;
    const farFuture = Buffer.from([8, 1, 16, 255, 255, 255, 255, 255, 255, 255, 255, 127]);

    const offset = await append(stream, [row(1)], 0);
    const large = await append(stream, [Buffer.alloc(10 * 1024 * 1024 + 1)]);
    const bad = await append(stream, [row(1), farFuture, Buffer.from([]), row(2)]);

    assert.deepEqual([offset.error?.code, large.error?.code, bad.error?.code], [3, 3, 3]);
    assert.deepEqual(
      bad.rowErrors?.map(({ index, message }) => `${index} ${message.slice(0, 30)}`),
      ["1 Timestamp field value is out o", "2 Missing required field: ID."],
    );
    assert.deepEqual(ids(), []);
  });
});
