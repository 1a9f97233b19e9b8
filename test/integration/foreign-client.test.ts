import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { MyDataSchema, MyResultSchema } from "../../proto/gen/messages_pb.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

/** A client that knows the NATS protocol and nothing of ours: lines over a socket. */
function plainClient(url: string): {
  send: (subject: string, payload: Uint8Array) => void;
  received: () => Buffer;
  close: () => void;
} {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = Buffer.alloc(0);
  socket.on("data", (bytes) => (received = Buffer.concat([received, bytes])));
  socket.write('CONNECT {"verbose":false}\r\nSUB results 1\r\n');
  return {
    send: (subject, payload) => {
      socket.write(`PUB ${subject} ${String(payload.byteLength)}\r\n`);
      socket.write(payload);
      socket.write("\r\n");
    },
    received: () => received,
    close: () => socket.destroy(),
  };
}

describe("a plain NATS client", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  it("gets its MyResult on `results` and its row in the table", async () => {
    const env = { NATS_URL: nats.url, CRUNCHER: "collatz", SINK: "duckdb:foreign.duckdb" };
    const engine = new CrunchProcess(["engine"], env, folder.path);
    const results = new CrunchProcess(["results"], env, folder.path);
    await Promise.all([engine.started(), results.started()]);
    const client = plainClient(nats.url);

    client.send(
      "data",
      toBinary(MyDataSchema, create(MyDataSchema, { ID: 7n, Data: 27n, Meta: "héllo 👋\0" })),
    );
    await until(() => client.received().includes("MSG results"), 60_000, "the result");
    await until(
      async () => (await results.metric("results_rows_total", 'outcome="stored"')) === 1,
      60_000,
      "the row",
    );
    client.close();
    for (const process_ of [engine, results]) process_.kill("SIGTERM");
    await Promise.all([engine.exited, results.exited]);

    const bytes = client.received();
    const headEnd = bytes.indexOf("\r\n", bytes.indexOf("MSG results"));
    const head = bytes.subarray(bytes.indexOf("MSG results"), headEnd).toString().split(" ");
    const payload = bytes.subarray(headEnd + 2, headEnd + 2 + Number(head.at(-1)));
    const result = fromBinary(MyResultSchema, payload);
    assert.deepEqual([result.ID, result.Data, result.Meta, result.RData], [7n, 27n, "héllo 👋\0", 111n]);
    assert.ok(result.DTimeStamp !== undefined && result.ProcessTime !== undefined);
    const rows = await queryDuckDb(
      join(folder.path, "foreign.duckdb"),
      "select ID, Data, Meta, RData from results",
    );
    assert.deepEqual(rows, [{ ID: 7n, Data: 27n, Meta: "héllo 👋\0", RData: 111n }]);
  });
});
