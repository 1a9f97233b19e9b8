/** The account of a pipeline under way, as its own gauges and `crunch status` tell it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { lookAtLedger } from "../../services/shared/ledger.js";
import type { Status } from "../../services/status/status-report.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { connectTest, freshNamespace, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

describe("the account of a pipeline", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  const engineOf = (
    t: TestContext,
    command: string,
    env: Readonly<Record<string, string>>,
  ): CrunchProcess => {
    const NAMESPACE = env.NAMESPACE ?? "";
    const common = {
      NATS_URL: nats.url,
      SINK: `duckdb:${NAMESPACE}.duckdb`,
      CRUNCHER: "collatz",
      RESEND_AFTER_MS: "1000",
      RUN_ID: NAMESPACE,
    };
    const engine = new CrunchProcess([command], { ...common, ...env }, folder.path);
    t.after(() => engine.kill("SIGKILL"));
    return engine;
  };
  const statusOf = async (NAMESPACE: string, ...args: string[]) => {
    const run = await runCrunch(["status", ...args], { env: { NATS_URL: nats.url, NAMESPACE } });
    return { ...run, status: (): Status => JSON.parse(run.lastLine) as Status };
  };

  it("balances at every look, misses nothing while engines are killed, and is exact at the end", async (t) => {
    const NAMESPACE = freshNamespace();
    // Collatz refuses 0, and parks it.
    const SOURCE = "synthetic:?count=60000&rate=20000";
    const env = { NAMESPACE, SOURCE, BATCH_MAX_WAIT_MS: "20" };
    let results = engineOf(t, "results", env);
    let engine = engineOf(t, "engine", env);
    await Promise.all([results.started(), engine.started()]);
    const data = engineOf(t, "data", env);
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    t.after(() => messaging.close());

    let looks = 0;
    const look = async (): Promise<number> => {
      const { ledger } = await lookAtLedger(messaging);
      const { published, stored, repeats, parked, outstanding, unaccounted } = ledger;
      assert.equal(unaccounted, 0, JSON.stringify(ledger));
      assert.equal(published, stored + repeats + parked + outstanding);
      looks += 1;
      return stored;
    };
    await until(async () => (await look()) > 5_000, 60_000, "5,000 rows");
    results.kill("SIGKILL");
    engine.kill("SIGKILL");
    await Promise.all([results.exited, engine.exited]);
    await look();
    results = engineOf(t, "results", env);
    engine = engineOf(t, "engine", env);
    await until(async () => (await look()) >= 0 && data.ended, 30_000, "the end of the source");
    await until(
      async () => {
        await look();
        const backlogs = await Promise.all([messaging.backlog("data"), messaging.backlog("results")]);
        return backlogs.every(
          ({ pendingMessages, unackedMessages }) => pendingMessages + unackedMessages === 0,
        );
      },
      30_000,
      "empty stages",
    );
    assert.ok(looks > 10, String(looks));

    const { ledger } = await lookAtLedger(messaging);
    assert.equal(ledger.published, 60_000);
    assert.equal(ledger.stored + ledger.parked, 60_000);
    assert.deepEqual([ledger.repeats, ledger.outstanding, ledger.unaccounted], [0, 0, 0]);
    await until(
      async () => (await results.metric("crunch_ledger_records", 'state="stored"')) === ledger.stored,
      60_000,
      "the gauges",
    );
    assert.equal(await results.metric("crunch_unaccounted_records"), 0);
    assert.equal(await results.metric("crunch_drain_seconds"), 0);

    const { code, status } = await statusOf(NAMESPACE, "--json");
    assert.equal(code, 0);
    assert.deepEqual([status().published, status().stored], [60_000, ledger.stored]);
    const { engines } = status();
    assert.deepEqual(
      engines.map(({ service, version }) => [service, version]),
      [
        ["crunch-engine", "0.1.0"],
        ["crunch-engine", "0.1.0"],
        ["results-engine", "0.1.0"],
        ["results-engine", "0.1.0"],
      ],
      "the killed ones took no note away",
    );
    for (const { pid } of [engine, results]) {
      assert.equal(engines.find((one) => one.pid === pid)?.state, "running");
    }
  });

  it("holds the source back above MAX_OUTSTANDING, says so, and goes on below it", async (t) => {
    const NAMESPACE = freshNamespace();
    const env = {
      NAMESPACE,
      SOURCE: "synthetic:?count=20000",
      MAX_OUTSTANDING: "5000",
      CRUNCHER: "identity",
    };
    const data = engineOf(t, "data", env);
    const { httpPort } = await data.started();
    const ready = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${String(httpPort)}/readyz`)).text();
    await until(async () => (await ready()).includes("MAX_OUTSTANDING=5000"), 60_000, "the pause");
    const messaging = await connectTest(nats.url, { namespace: NAMESPACE });
    t.after(() => messaging.close());
    const { data: stage } = await messaging.streamsLook();
    assert.ok(stage.records > 2_900 && stage.records <= 5_000, String(stage.records));

    for (const command of ["engine", "results"]) engineOf(t, command, env);
    await until(() => data.ended, 30_000, "the end of the source");
    assert.equal(data.stopped?.published, 20_000);
  });

  it("shows people what is where, one line a look for a pipe, and finds what is lost", async (t) => {
    const NAMESPACE = freshNamespace();
    const env = {
      NAMESPACE,
      SOURCE: "synthetic:?count=4000",
      CRUNCHER: "identity",
      FRAME_MAX_RECORDS: "1000",
    };
    const data = engineOf(t, "data", env);
    assert.equal((await data.exited).code, 0);

    const shown = await statusOf(NAMESPACE);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^ {2}published +4,000$/m);
    assert.match(shown.stdout, /^ {2}outstanding +4,000 {3}nothing moves$/m);
    assert.match(shown.stdout, /^ {2}data +4,000 +0 +4 +0 +\d/m);
    assert.match(shown.stdout, /no engine has shown itself/);

    const watching = new CrunchProcess(["status", "--watch"], { NATS_URL: nats.url, NAMESPACE });
    t.after(() => watching.kill("SIGKILL"));
    await until(() => watching.stdout.split("\n").length > 2, 60_000, "two lines");
    watching.kill("SIGTERM");
    assert.equal((await watching.exited).code, 0);
    assert.match(
      watching.stdout,
      /^4,000 published, 0 crunched, 0 stored, 0 parked, 4,000 outstanding, 0 una/,
    );

    // Somebody acks two frames of data without a result.
    await withClient(nats.url, async (nc) => {
      const jsm = await nc.jetstreamManager();
      const durable = { durable_name: "crunch", ack_policy: "explicit", max_ack_pending: 1_000 } as never;
      await jsm.consumers.add(`${NAMESPACE}-DATA`, durable);
      const consumer = await nc.jetstream().consumers.get(`${NAMESPACE}-DATA`, "crunch");
      for await (const message of await consumer.fetch({ max_messages: 2 })) await message.ackAck();
    });
    const lost = await statusOf(NAMESPACE, "--json");
    assert.equal(lost.code, 3);
    assert.equal(lost.status().unaccounted, 2_000);
  });

  it("changes nothing, and says where nothing is", async () => {
    const before = await withClient(nats.url, async (nc) =>
      (await (await nc.jetstreamManager()).streams.list().next()).map(({ config }) => config.name),
    );
    const { code, stderr } = await statusOf("nobody-here");
    assert.equal(code, 2);
    assert.match(stderr, /^NATS_URL=".*": no pipeline has run there yet in NAMESPACE="nobody-here"\n$/);
    const now = await withClient(nats.url, async (nc) =>
      (await (await nc.jetstreamManager()).streams.list().next()).map(({ config }) => config.name),
    );
    assert.deepEqual(now.sort(), before.sort());

    const away = await runCrunch(["status"], { env: { NATS_URL: "nats://127.0.0.1:1" } });
    assert.equal(away.code, 2);
    assert.match(away.stderr, /^NATS_URL="nats:\/\/127\.0\.0\.1:1": /);
  });
});
