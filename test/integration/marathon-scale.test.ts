import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readScaleSettings } from "../../deploy-marathon/config.js";
import { Marathon } from "../../deploy-marathon/api/marathon.js";
import { Scaler } from "../../deploy-marathon/scaling/scaler.js";
import type { ScaleReport } from "../../deploy-marathon/scaling/scaler.js";
import { CrunchProcess } from "../support/engine-process.js";
import { FakeEngine } from "../support/fake-engine.js";
import { FakeMarathon } from "../support/fake-marathon.js";
import type { App, Task } from "../support/marathon-cluster.js";
import { NatsServer } from "../support/nats-server.js";
import { runScript } from "../support/run-script.js";
import { SteppingClock } from "../support/stepping-clock.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const CRUNCH = "/data-crunch/crunch-engine";
const RESULTS = "/data-crunch/results-engine";
const BUSY = {
  crunch_threads: 1,
  crunch_jobs_in_hand: 9,
  crunch_duration_seconds_sum: 5,
  process_start_time_seconds: 1,
};
const IDLE = { ...BUSY, crunch_jobs_in_hand: 0 };

describe("scale", () => {
  let fake: FakeMarathon;
  let crunch: FakeEngine;
  let results: FakeEngine;
  let clock: SteppingClock;

  beforeEach(async () => {
    fake = await FakeMarathon.start();
    [crunch, results] = await Promise.all([FakeEngine.start(), FakeEngine.start()]);
    clock = new SteppingClock();
    const { cluster } = fake;
    cluster.nowMs = () => clock.now;
    cluster.looksPerDeployment = 1;
    const app = (id: string, instances: number): App => ({ id, instances, version: "" });
    const apps = new Map([
      [CRUNCH, app(CRUNCH, 2)],
      [RESULTS, app(RESULTS, 1)],
    ]);
    cluster.start(apps, cluster.newVersion());
    cluster.lookAtDeployments();
    cluster.tasks.set(CRUNCH, [crunch.task]);
    cluster.tasks.set(RESULTS, [results.task]);
    crunch.metrics = BUSY;
    results.metrics = { crunch_drain_seconds: 10 };
  });
  afterEach(() => Promise.all([fake.close(), crunch.close(), results.close()]));

  const instances = (): number | undefined => fake.cluster.apps.get(CRUNCH)?.instances;
  /** Runs for so many looks of 10 s; `at` changes the world before one of them. */
  const run = async (looks: number, at: (look: number) => void = () => undefined, isDry = false) => {
    const told: (ScaleReport | string)[] = [];
    const stop = new AbortController();
    const settings = readScaleSettings({ MAX_ENGINES: "6" });
    const marathon = new Marathon({ url: new URL(fake.url), authorization: "token=t" });
    const scaler = new Scaler({ marathon, settings, isDry, clock });
    clock.onWait = () => {
      fake.cluster.lookAtDeployments();
      if (told.length >= looks) stop.abort();
      else at(told.length + 1);
    };
    at(1);
    await scaler.run((report) => told.push(report), stop.signal);
    return told;
  };
  const whyOf = (report: ScaleReport | string | undefined): string =>
    typeof report === "object" ? report.why : (report ?? "");

  it("starts engines after a minute of slow draining, again after another, and not beyond the bound", async () => {
    results.metrics = { crunch_drain_seconds: 600 };
    const numbers: (number | undefined)[] = [];
    await run(21, () => numbers.push(instances()));

    assert.deepEqual([numbers.indexOf(4), numbers.indexOf(6), numbers.at(-1)], [7, 13, 6]);
  });

  it("stops engines after five minutes of fast draining, half of them at a time", async () => {
    fake.cluster.start(
      new Map([...fake.cluster.apps].map(([id, app]) => [id, { ...app, instances: 4 }])),
      fake.cluster.newVersion(),
    );
    fake.cluster.lookAtDeployments();
    crunch.metrics = IDLE;
    const numbers: (number | undefined)[] = [];
    await run(70, () => numbers.push(instances()));

    assert.deepEqual([numbers.indexOf(2), numbers.indexOf(1), numbers.at(-1)], [31, 61, 1]);
  });

  it("takes the slowest results-engine that is ready", async () => {
    const other = await FakeEngine.start();
    try {
      other.metrics = { crunch_drain_seconds: 200 };
      fake.cluster.tasks.set(RESULTS, [results.task, other.task]);
      const told = await run(2, (look) => (other.isReady = look === 1));

      assert.deepEqual(
        told.map((report) => (typeof report === "object" ? report.drainSeconds : report)),
        [200, 10],
      );
    } finally {
      await other.close();
    }
  });

  it("changes nothing while nothing moves, no results-engine is ready or has the metric, and says why", async () => {
    const worlds: Readonly<Record<number, () => void>> = {
      1: () => (results.metrics = { crunch_drain_seconds: Infinity }),
      10: () => (results.isReady = false),
      20: () => ((results.isReady = true), (results.metrics = { other: 1 })),
      30: () => fake.cluster.tasks.set(RESULTS, []),
      40: () => fake.cluster.tasks.set(RESULTS, [{ host: "127.0.0.1", ports: [9] }]),
    };
    const told = await run(49, (look) => worlds[look]?.());

    assert.deepEqual([instances(), fake.changes.length], [2, 0]);
    assert.match(whyOf(told[8]), /^nothing moves$/);
    assert.match(whyOf(told[9]), /^the drain time is not known: http:\/\/127\.0\.0\.1:\d+ is not ready$/);
    assert.match(whyOf(told[19]), /\/metrics has no crunch_drain_seconds$/);
    assert.match(whyOf(told[29]), /\/data-crunch\/results-engine has no running task with a port$/);
    assert.match(whyOf(told[39]), /^the drain time is not known: http:\/\/127\.0\.0\.1:9\/readyz: /);
  });

  it("goes back into the bounds also while nothing is known, and says only that", async () => {
    const { cluster } = fake;
    cluster.start(new Map([...cluster.apps].map(([id, app]) => [id, { ...app, instances: 9 }])), "");
    cluster.lookAtDeployments();
    results.isReady = false;
    const [report] = await run(1);

    assert.equal(whyOf(report), "MAX_ENGINES is 6");
    assert.equal(instances(), 6);
  });

  it("does not break into a deployment that is in progress, and goes on after it", async () => {
    results.metrics = { crunch_drain_seconds: 600 };
    fake.cluster.looksPerDeployment = 15;
    fake.cluster.start(
      new Map([...fake.cluster.apps].map(([id, app]) => [id, { ...app, cpus: 2 }])),
      fake.cluster.newVersion(),
    );
    const told = await run(20);

    assert.match(whyOf(told[8]), /waits for the deployment [0-9a-f-]{36}$/);
    assert.equal(instances(), 4);
    assert.ok(fake.changes.every(({ query }) => query.get("force") !== "true"));
  });

  it("says so when Marathon is away or refuses, and tries again", async () => {
    results.metrics = { crunch_drain_seconds: 600 };
    fake.fail(/GET/, "breaks", 3);
    fake.fail(/PUT/, { status: 409, text: '{"message":"App is locked","deployments":[{"id":"d-1"}]}' });
    const told = await run(20);

    assert.match(whyOf(told[0]), /^no answer from Marathon at /);
    assert.ok(told.some((report) => whyOf(report).includes("another deployment (d-1) is in progress")));
    assert.ok((instances() ?? 0) >= 4);
  });

  it("changes nothing in a dry run, and says what it would do", async () => {
    results.metrics = { crunch_drain_seconds: 600 };
    const told = await run(10, undefined, true);
    const last = told.at(-1);

    assert.deepEqual([instances(), fake.changes.length], [2, 0]);
    assert.equal(typeof last === "object" && last.wanted, 4);
  });

  it("sends Marathon's credentials to Marathon only", async () => {
    await run(1);

    assert.ok(fake.requests.every(({ authorization }) => authorization === "token=t"));
    assert.deepEqual([...crunch.authorizations, ...results.authorizations], []);
  });

  describe("deploy-marathon/scale.sh", () => {
    const script = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      runScript("deploy-marathon/scale.sh", args, { MARATHON_URL: fake.url, LOOK_EVERY_MS: "100", ...env });

    it("decides once from two looks, by how long ago Marathon's last change was", async () => {
      results.metrics = { crunch_drain_seconds: 100 };
      const dry = await script(["--once", "--dry-run"], { MARATHON_TOKEN: "secret-token" });
      const { code, stdout } = await script(["--once", "--json"]);
      const report = JSON.parse(stdout) as Record<string, unknown>;

      assert.match(
        dry.stdout,
        /^\S+Z \/data-crunch\/crunch-engine would go from 2 to 4: draining takes 100 s, above 60 s\n$/,
      );
      assert.doesNotMatch(dry.stdout + dry.stderr, /secret/);
      assert.equal(code, 0);
      assert.deepEqual(
        [report.engines, report.wanted, report.drainSeconds, report.busyShare],
        [2, 4, 100, 1],
      );
      assert.equal(instances(), 4);
      assert.deepEqual(
        fake.changes.map(({ body }) => body),
        [{ instances: 4 }],
      );
    });

    it("reads what real engines show", async () => {
      const nats = await NatsServer.start();
      const folder = tempFolder();
      const env = { NATS_URL: nats.url, SOURCE: "synthetic:?rate=2000", SINK: "duckdb:rows.duckdb" };
      const engines = ["results", "engine", "data"].map(
        (role) => new CrunchProcess([role], env, folder.path),
      );
      try {
        const [sink, pool] = await Promise.all(engines.map((engine) => engine.started()));
        const taskOf = (started: typeof sink): Task => ({
          host: "127.0.0.1",
          ports: [Number(started?.httpPort)],
        });
        fake.cluster.tasks.set(RESULTS, [taskOf(sink)]).set(CRUNCH, [taskOf(pool)]);
        const look = async (): Promise<Record<string, unknown>> =>
          JSON.parse((await script(["--once", "--dry-run", "--json"])).stdout) as Record<string, unknown>;
        let last: Record<string, unknown> = {};
        // Neither is known at every moment: rows move in batches.
        const isKnown = async (): Promise<boolean> => {
          last = await look();
          return typeof last.drainSeconds === "number" && typeof last.busyShare === "number";
        };
        await until(isKnown, 60_000, "a drain time and a busy share");

        assert.ok(Number(last.drainSeconds) >= 0 && Number(last.drainSeconds) < 60, JSON.stringify(last));
        assert.ok(Number(last.busyShare) >= 0 && Number(last.busyShare) <= 1, JSON.stringify(last));
      } finally {
        for (const engine of engines) engine.kill("SIGTERM");
        await Promise.all(engines.map((engine) => engine.exited));
        await nats.stop();
        folder.remove();
      }
    });

    it("refuses settings that make no sense, with exit code 2", async () => {
      const bounds = await script(["--once", "--min-engines", "5", "--max-engines", "4"]);
      const app = await script(["--once", "--crunch-app", "crunch-engine"]);
      const missing = await script(["--once", "--crunch-app", "/other/engine"]);

      assert.deepEqual([bounds.code, app.code, missing.code], [2, 2, 2]);
      assert.match(bounds.stderr, /^MIN_ENGINES="5": must be at most MAX_ENGINES="4"\n$/);
      assert.match(app.stderr, /^CRUNCH_APP="crunch-engine": must be the absolute id of an app/);
      assert.match(missing.stderr, /^CRUNCH_APP="\/other\/engine": Marathon has no such app\n$/);
    });

    it("exits with 4 when it looks once and Marathon wants credentials", async () => {
      fake.authorization = "token=right";

      assert.equal((await script(["--once"])).code, 4);
    });
  });
});
