/** `crunch doctor` against real servers, files and a BigQuery of our own. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { AckPolicy, RetentionPolicy } from "nats";
import type { Finding } from "../../services/doctor/finding.js";
import { openSink } from "../../services/results-engine/sinks/index.js";
import { runCrunch } from "../support/engine-process.js";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { connectTest, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";

interface Answer {
  readonly code: number | null;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

const folder = tempFolder();
let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(async () => {
  await server.stop();
  folder.remove();
});

/** Settings are options here, as `resend-after-ms` is RESEND_AFTER_MS; an address may have a user and is none. */
async function doctor(options: Readonly<Record<string, string>>, ...more: string[]): Promise<Answer> {
  const { "nats-url": NATS_URL = server.url, ...others } = options;
  const all = { sink: "duckdb:rows.duckdb", ...others };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const { code, lastLine, stderr } = await runCrunch(["doctor", "--json", ...args, ...more], {
    cwd: folder.path,
    env: { NATS_URL },
  });
  assert.equal(stderr, "");
  return { code, ...(JSON.parse(lastLine) as Omit<Answer, "code">) };
}

const errorsOf = ({ findings }: Answer): string[] =>
  findings.filter(({ level }) => level === "error").map(({ setting }) => setting);

function finding({ findings }: Answer, setting: RegExp): Finding {
  const found = findings.find((one) => setting.test(one.setting));
  assert.ok(found, `no finding about ${String(setting)} in ${JSON.stringify(findings)}`);
  return found;
}

describe("crunch doctor", () => {
  it("finds no error in the defaults with a healthy server, and changes nothing", async () => {
    const answer = await doctor({});

    assert.deepEqual([answer.code, answer.ok, errorsOf(answer)], [0, true, []]);
    assert.deepEqual(readdirSync(folder.path), []);
    const streams = await withClient(server.url, async (nc) => {
      return (await (await nc.jetstreamManager()).getAccountInfo()).streams;
    });
    assert.equal(streams, 0);
  });

  it("exits with 1 on warnings only when told to be strict", async () => {
    const options = { "resend-after-ms": "5000" };
    assert.deepEqual([(await doctor(options)).code, (await doctor(options, "--strict")).code], [0, 1]);
  });

  it("tells every wrong setting of all engines at once, with exit code 2", async () => {
    const { code, stdout, stderr } = await runCrunch(["doctor", "--threads", "-1", "--batch-max-rows", "0"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^THREADS="-1": must be[^\n]+\nBATCH_MAX_ROWS="0": must be[^\n]+\n$/);
  });

  it("explains to people what is wrong, the limit and why it matters", async () => {
    const { code, stdout } = await runCrunch(["doctor", "--source", "file:none.csv"], {
      cwd: folder.path,
      env: { NATS_URL: server.url },
    });
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^error {3}SOURCE: file:none\.csv\n {8}none\.csv cannot be read[^\n]*\n {8}matters: /,
    );
    assert.match(stdout, /\n1 error, \d+ warnings?, \d+ for information\n$/);
  });

  it("names source, cruncher and sink that do not open", async () => {
    writeFileSync(join(folder.path, "broken.mjs"), "export default 7;");
    const answer = await doctor({
      source: "file:none.csv",
      cruncher: "./broken.mjs",
      sink: "duckdb:nowhere/x.duckdb",
    });
    assert.deepEqual(errorsOf(answer), ["SOURCE", "CRUNCHER", "SINK"]);
    assert.equal(answer.code, 1);
  });
});

describe("crunch doctor and NATS", () => {
  it("measures the server's clock without storing anything", async () => {
    const answer = await doctor({});
    assert.ok(!answer.findings.some(({ setting }) => setting.startsWith("clock")));
  });

  it("takes an absent server as an error if NATS_URL names it, and hides its password", async () => {
    const answer = await doctor({ "nats-url": "nats://me:secret@127.0.0.1:9" });
    assert.equal(answer.code, 1);
    assert.deepEqual(errorsOf(answer), ["NATS_URL"]);
    assert.match(finding(answer, /^NATS_URL$/).value, /127\.0\.0\.1:9$/);
    assert.ok(!JSON.stringify(answer).includes("secret"));
  });

  it("says that a server has no JetStream", async (t) => {
    const bare = await NatsServer.start({ jetStream: false });
    t.after(() => bare.stop());
    assert.match(finding(await doctor({ "nats-url": bare.url }), /^NATS_URL$/).problem, /no JetStream/);
  });

  it("sees a small max_payload, copies without a cluster and an account that is too small", async (t) => {
    const small = await NatsServer.start({
      config:
        "max_payload: 64KB\naccounts { A { jetstream: { max_file: 2MB, max_mem: 0 }, users: [{user: u, password: p}] } }",
    });
    t.after(() => small.stop());
    const url = small.url.replace("nats://", "nats://u:p@");
    const answer = await doctor({ "nats-url": url, "stream-replicas": "3" });
    // Whether the server's version is one for copies is not asked here.
    assert.deepEqual(
      errorsOf(answer)
        .filter((setting) => setting !== "nats-server")
        .sort(),
      ["FRAME_MAX_BYTES", "MAX_RECORD_BYTES", "STREAM_MAX_BYTES", "STREAM_REPLICAS"],
    );
  });

  it("sees a stream of other settings, a foreign consumer and a limit of deliveries", async () => {
    await withClient(server.url, async (nc) => {
      const jsm = await nc.jetstreamManager();
      await jsm.streams.add({
        name: "odd-DATA",
        subjects: ["odd.data", "odd.data.frame"],
        retention: RetentionPolicy.Limits,
        max_msgs: 10,
      });
      await jsm.consumers.add("odd-DATA", {
        durable_name: "crunch",
        ack_policy: AckPolicy.Explicit,
        max_deliver: 3,
      });
      await jsm.consumers.add("odd-DATA", { durable_name: "stranger", ack_policy: AckPolicy.Explicit });
      await jsm.consumers.add("odd-DATA", { durable_name: "reader", ack_policy: AckPolicy.None });
      await nc.jetstream().publish("odd.data", new Uint8Array(3));
    });
    const answer = await doctor({ namespace: "odd" });
    assert.deepEqual(errorsOf(answer).sort(), [
      "NATS stream odd-DATA: discard",
      "NATS stream odd-DATA: max_msgs",
    ]);
    assert.equal(finding(answer, /max_deliver$/).value, "3");
    assert.equal(finding(answer, /^NATS consumer stranger of odd-DATA$/).value, "1 messages behind");
    assert.ok(!answer.findings.some(({ setting }) => setting.includes("consumer reader")));
  });

  it("has nothing to say about streams that an engine made with the same settings", async () => {
    const messaging = await connectTest(server.url, { namespace: "ours", streamMaxBytes: 1_073_741_824 });
    await messaging.consumer({ topic: "data", maxInFlight: 5, ackWaitMs: 30_000 });
    await messaging.close();
    const answer = await doctor({ namespace: "ours" });
    assert.deepEqual(
      answer.findings.filter(({ setting }) => setting.includes("ours")),
      [],
    );
  });

  it("reads the store's folder from the monitoring port, and no other server's", async (t) => {
    const watched = await NatsServer.start({ config: "http: 127.0.0.1:-1" });
    t.after(() => watched.stop());
    const url = `http://127.0.0.1:${String(watched.monitoringPort)}`;
    const own = await doctor(
      { "nats-url": watched.url, "stream-max-bytes": String(2 ** 43) },
      "--monitoring-url",
      url,
    );
    assert.match(finding(own, /^STREAM_MAX_BYTES$/).problem, /3 full streams need/);
    const other = await doctor({}, "--monitoring-url", url);
    assert.match(finding(other, /^disk of the NATS server$/).problem, /not checked: .*another server/);
  });
});

describe("crunch doctor and sinks", () => {
  const context = { lateAfterMs: 60_000, runId: "run", warn: () => undefined };

  it("reads a DuckDB file without changing a byte of it", async () => {
    const path = join(folder.path, "there.duckdb");
    await (await openSink(`duckdb:${path}`, context)).close();
    const before = readFileSync(path);
    const answer = await doctor({ sink: `duckdb:${path}` });
    assert.deepEqual(errorsOf(answer), []);
    assert.ok(readFileSync(path).equals(before));
    assert.ok(!existsSync(`${path}.wal`));
  });

  it("names the process that holds the file, and a table of other columns", async () => {
    const path = join(folder.path, "held.duckdb");
    const sink = await openSink(`duckdb:${path}?table=other`, context);
    const held = await doctor({ sink: `duckdb:${path}` });
    assert.match(
      finding(held, /^SINK$/).problem,
      new RegExp(`held by another process \\(PID ${process.pid}\\)`),
    );
    await sink.close();

    const answer = await doctor({ sink: `duckdb:${path}?table=other_totals` });
    assert.match(finding(answer, /^SINK$/).problem, /the table has the columns RunId/);
  });

  it("says that a folder is no file", async () => {
    mkdirSync(join(folder.path, "folder.duckdb"));
    assert.match(finding(await doctor({ sink: "duckdb:folder.duckdb" }), /^SINK$/).problem, /is no file/);
  });

  const bigQuery = async (fake: FakeBigQuery): Promise<Answer> =>
    doctor({ sink: "bigquery:p/d/t", "bigquery-api-endpoint": fake.url });

  it("looks at BigQuery without making anything", async (t) => {
    const fake = await FakeBigQuery.start();
    t.after(() => fake.close());
    const absent = await bigQuery(fake);
    assert.match(finding(absent, /^SINK$/).problem, /dataset p\.d and table p\.d\.t will be made/);
    assert.equal(fake.dataset("d"), undefined);
    assert.ok(fake.requests.every(({ method }) => method === "GET"));

    await (await openSink(`bigquery:p/d/t?endpoint=${fake.url}`, context)).close();
    fake.requests.length = 0;
    assert.ok(!(await bigQuery(fake)).findings.some(({ setting }) => setting === "SINK"));
    assert.equal(fake.insertBodies.length, 0);
  });

  it("asks for the Storage Write API where rows would go by it, and for its key", async (t) => {
    const fake = await FakeBigQuery.start({ writePort: 0 });
    t.after(() => fake.close());
    const sink = `bigquery:p/d/t?mode=upsert&write-endpoint=${fake.write.url}&endpoint=${fake.url}`;
    await (await openSink(sink, context)).close();
    assert.ok(!(await doctor({ sink })).findings.some(({ setting }) => setting === "SINK"));

    fake.write.close();
    assert.match(
      finding(await doctor({ sink }), /^SINK$/).problem,
      /Storage Write API at http:\S+ cannot be used: UNAVAILABLE/,
    );
    fake.define("d", "t", { tableConstraints: {} });
    assert.match(finding(await doctor({ sink }), /^SINK$/).problem, /its primary key is not ID/);
  });

  it("names missing permissions, a table that does not fit, and a refusal", async (t) => {
    const fake = await FakeBigQuery.start({ permissions: ["bigquery.tables.get"] });
    t.after(() => fake.close());
    await (await openSink(`bigquery:p/d/t?endpoint=${fake.url}`, context)).close();
    assert.match(
      finding(await bigQuery(fake), /^SINK$/).problem,
      /lack bigquery\.tables\.updateData on p\.d\.t/,
    );

    fake.define("d", "t", { schema: { fields: [{ name: "ID", type: "STRING" }] } });
    assert.match(finding(await bigQuery(fake), /^SINK$/).problem, /column ID is STRING instead of INTEGER/);

    fake.fail({ on: { path: /tables\/t$/ }, status: 403, reason: "accessDenied", message: "Access Denied" });
    const refused = await bigQuery(fake);
    assert.match(finding(refused, /^SINK$/).problem, /cannot be read: 403 accessDenied/);
    assert.deepEqual(errorsOf(refused), ["SINK"]);
  });
});
