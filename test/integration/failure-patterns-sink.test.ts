/** How systems of this kind lose or mix up rows at the warehouse; see `support/failure-patterns.ts`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { DUCKDB_TYPES } from "../../services/results-engine/sinks/duckdb/table.js";
import { ROW_COLUMNS } from "../../services/results-engine/sinks/row-schema.js";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess } from "../support/engine-process.js";
import { open } from "../support/lossless.js";
import { freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

describe("at the warehouse", () => {
  const folder = tempFolder();
  let server: NatsServer;
  before(async () => (server = await NatsServer.start()));
  after(async () => {
    await server.stop();
    folder.remove();
  });

  it("a table with the right columns in another order is refused, so that no value lands in its neighbour", async () => {
    const path = join(folder.path, "order.duckdb");
    const columns = [...ROW_COLUMNS].reverse().map(({ name, type }) => {
      return `"${name}" ${DUCKDB_TYPES[type]}${name === "ID" ? " PRIMARY KEY" : " NOT NULL"}`;
    });
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(`create table results (${columns.join(", ")})`);
    connection.closeSync();
    instance.closeSync();
    const context = { lateAfterMs: 1_000, runId: "run", warn: () => undefined };

    await assert.rejects(openSink(`duckdb:${path}`, context), {
      name: "UserError",
      message: /the table has the columns Late BOOLEAN, .* where ID BIGINT, .* are needed/,
    });
  });

  it("a batch that is not full is written when the engine is told to stop", async (t) => {
    const namespace = freshNamespace();
    const messaging = await open(t, server.url, { namespace });
    const path = join(folder.path, "partial.duckdb");
    const engine = new CrunchProcess(["results"], {
      NATS_URL: server.url,
      NAMESPACE: namespace,
      SINK: `duckdb:${path}`,
      BATCH_MAX_WAIT_MS: "600000",
      RESEND_AFTER_MS: "3600000",
    });
    t.after(() => engine.kill("SIGKILL"));
    await engine.started();
    for (const id of [1n, 2n, 3n]) {
      const payload = encodeRecord(id, id, "");
      await messaging.publisher.publish({ subject: "results", payload, messageId: String(id) });
    }
    await until(async () => (await messaging.backlog("results")).unackedMessages === 3, 60_000, "in hand");
    engine.kill("SIGTERM");
    const { code } = await engine.exited;

    assert.equal(code, 0, engine.stdout);
    assert.equal(engine.stopped?.stored, 3);
    assert.deepEqual(await queryDuckDb(path, "select ID from results order by ID"), [
      { ID: 1n },
      { ID: 2n },
      { ID: 3n },
    ]);
    // The server reads an ack some time after it was sent.
    await until(async () => (await messaging.backlog("results")).unackedMessages === 0, 60_000, "acked");
  });
});
