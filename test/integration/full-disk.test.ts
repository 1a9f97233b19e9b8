/** Disks and streams that are full: everything waits, says so, and goes on by itself. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { openSink } from "../../services/results-engine/sinks/index.js";
import type { WriteOutcome } from "../../services/results-engine/sinks/sink.js";
import { askHealth } from "../../services/local/health-check.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { resultsOf } from "../support/result-columns.js";
import { SmallDisk, whyNoSmallDisk } from "../support/small-disk.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const skip = whyNoSmallDisk();
const MB = 1_000_000;

const folder = tempFolder();
after(() => folder.remove());

/** A small disk that is gone when the test ends. */
function diskOf(t: TestContext, bytes: number): SmallDisk {
  const disk = SmallDisk.mount(bytes);
  t.after(() => disk.remove());
  return disk;
}

/** The components of an engine that are not ready, with their reasons. */
async function notReady(engine: CrunchProcess): Promise<Record<string, string>> {
  const { httpPort } = await engine.started();
  const { components } = await askHealth(`http://127.0.0.1:${String(httpPort)}`);
  const bad = Object.entries(components).filter(([, { ok }]) => !ok);
  return Object.fromEntries(bad.map(([name, { detail }]) => [name, detail]));
}

const linesOf = (engine: CrunchProcess, event: string): number =>
  engine.lines.filter((line) => line.event === event).length;

/** One pipeline whose engines are started one by one and all end with the test. */
class Pipeline {
  readonly #env: Readonly<Record<string, string>>;
  readonly #engines: CrunchProcess[] = [];

  constructor(t: TestContext, env: Readonly<Record<string, string>>) {
    this.#env = { CRUNCHER: "identity", ...env };
    t.after(async () => {
      for (const engine of this.#engines) engine.kill("SIGKILL");
      await Promise.all(this.#engines.map((engine) => engine.exited));
    });
  }

  start(name: "data" | "engine" | "results"): CrunchProcess {
    const engine = new CrunchProcess([name], this.#env, folder.path);
    this.#engines.push(engine);
    return engine;
  }
}

async function assertEachOnce(path: string, records: number): Promise<void> {
  const [row] = await queryDuckDb(
    path,
    "select count(*) n, count(distinct ID) ids, count(*) filter (RData <> Data) wrong, " +
      "(select sum(Stored) from results_totals) counted, (select sum(Repeats) from results_totals) repeats from results",
  );
  const told = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
  assert.deepEqual(told, { n: records, ids: records, wrong: 0, counted: records, repeats: 0 });
}

describe("duckdb: on a full disk", { skip }, () => {
  // Each leaves other room: for nothing, for some log, for the log but not for writing it into the file.
  for (const leftBytes of [0, 300_000, 3 * MB, 12 * MB, 17 * MB]) {
    it(`waits with ${leftBytes} bytes left, goes on when there is room, and stores each row once`, async (t) => {
      const disk = diskOf(t, 200 * MB);
      const path = join(disk.path, "rows.duckdb");
      const warnings: string[] = [];
      const context = {
        lateAfterMs: 60_000,
        runId: "run",
        warn: (_details: unknown, message: string) => void warnings.push(message),
      };
      const sink = await openSink(`duckdb:${path}`, context);
      const total = { stored: 0, repeats: 0, replays: 0 };
      let batches = 0;
      const write = async (): Promise<void> => {
        const first = BigInt(batches++) * 1_000n;
        const results = Array.from({ length: 1_000 }, (_, row) => ({
          ID: first + BigInt(row),
          Meta: randomBytes(1_500).toString("hex"),
        }));
        const part = resultsOf(results);
        const outcome: WriteOutcome = await sink.write(
          { parts: [part], rows: 1_000 },
          new AbortController().signal,
        );
        total.stored += outcome.stored;
        total.repeats += outcome.repeats;
        total.replays += outcome.replays;
      };
      await write();
      disk.fill(leftBytes);
      let waiting: Promise<void> | undefined;
      await until(
        async () => {
          waiting ??= write().then(() => (waiting = undefined));
          return Promise.resolve(!sink.state().ok);
        },
        60_000,
        "a sink that cannot write",
      );
      assert.match(sink.state().detail, /No space left on device/);
      const storedWhenFull = total.stored;
      disk.heal();
      await waiting;
      await write();

      assert.equal(sink.state().ok, true);
      assert.equal(warnings.length, 2, warnings.join("\n"));
      assert.match(warnings[0] ?? "", /No space left on device.*; will try until it can$/);
      assert.match(warnings[1] ?? "", /^writes results in .* again$/);
      assert.deepEqual(total, { stored: batches * 1_000, repeats: 0, replays: 0 });
      assert.ok(storedWhenFull < total.stored);
      await sink.close();
      const [row] = await queryDuckDb(
        path,
        "select count(*) n, count(distinct ID) ids, any_value(t.Stored) counted from results, results_totals t",
      );
      assert.deepEqual(Object.values(row ?? {}).map(Number), [total.stored, total.stored, total.stored]);
    });
  }
});

describe("a results-engine whose disk is full", { skip }, () => {
  let nats: NatsServer;
  before(async () => (nats = await NatsServer.start()));
  after(() => nats.stop());

  it("is not ready, keeps its messages unacked, and stores each row once when there is room", async (t) => {
    const disk = diskOf(t, 60 * MB);
    const path = join(disk.path, "rows.duckdb");
    const records = 600_000;
    const pipeline = new Pipeline(t, {
      NATS_URL: nats.url,
      NAMESPACE: "disk",
      SOURCE: `synthetic:?count=${String(records)}`,
      SINK: `duckdb:${path}`,
      BATCH_MAX_ROWS: "20000",
      RESEND_AFTER_MS: "2000",
    });
    disk.fill(5 * MB);
    const results = pipeline.start("results");
    await results.started();
    await pipeline.start("engine").started();
    const data = pipeline.start("data");
    await until(async () => "sink" in (await notReady(results)), 60_000, "a sink that is not ready");
    assert.match((await notReady(results)).sink ?? "", /No space left on device/);
    assert.equal((await data.exited).code, 0);
    const stored = await results.metric("results_rows_total", 'outcome="stored"');
    // Longer than the ack wait: heartbeats keep the messages here.
    const since = performance.now();
    await until(() => performance.now() - since > 3_000);
    assert.equal(await results.metric("results_rows_total", 'outcome="stored"'), stored);
    assert.ok(!results.ended && stored < records);

    disk.resize(400 * MB);
    disk.heal();
    const all = async (): Promise<boolean> =>
      (await results.metric("results_rows_total", 'outcome="stored"')) === records;
    await until(all, 60_000, "all rows");
    assert.deepEqual(await notReady(results), {});
    assert.deepEqual([linesOf(results, "sink_failed"), linesOf(results, "sink_resumed")], [1, 1]);
    results.kill("SIGTERM");
    assert.equal((await results.exited).code, 0);
    await assertEachOnce(path, records);
  });
});

describe("full streams", () => {
  let nats: NatsServer;
  before(async () => (nats = await NatsServer.start()));
  after(() => nats.stop());

  it("pause crunch- and data-engine while no results-engine runs, and all goes on when one comes", async (t) => {
    const records = 400_000;
    const path = join(folder.path, "stream.duckdb");
    const pipeline = new Pipeline(t, {
      NATS_URL: nats.url,
      NAMESPACE: "full",
      SOURCE: `synthetic:?count=${String(records)}`,
      SINK: `duckdb:${path}`,
      STREAM_MAX_BYTES: "1048576",
      RESEND_AFTER_MS: "2000",
    });
    const engine = pipeline.start("engine");
    const data = pipeline.start("data");
    const isPaused = async (paused: CrunchProcess, metric: string, why: RegExp): Promise<boolean> => {
      const details = Object.values(await notReady(paused)).join("\n");
      const isSaid = linesOf(paused, "publishing_paused") > linesOf(paused, "publishing_resumed");
      return isSaid && why.test(details) && (await paused.metric(metric)) === 1;
    };
    await until(
      () => isPaused(engine, "crunch_publish_blocked", /stream full-RESULTS is full/),
      60_000,
      "a paused crunch-engine",
    );
    // Until then it made room in DATA now and then, and as often the data-engine went on.
    await until(
      () => isPaused(data, "data_publish_blocked", /stream full-DATA is full/),
      60_000,
      "a paused data-engine",
    );

    const results = pipeline.start("results");
    assert.equal((await data.exited).code, 0);
    const all = async (): Promise<boolean> =>
      (await results.metric("results_rows_total", 'outcome="stored"')) === records;
    await until(all, 60_000, "all rows");
    for (const paused of [data, engine]) {
      paused.kill("SIGTERM");
      await paused.exited;
      assert.equal(linesOf(paused, "publishing_paused"), linesOf(paused, "publishing_resumed"));
    }
    results.kill("SIGTERM");
    assert.equal((await results.exited).code, 0);
    await assertEachOnce(path, records);
  });
});

describe("a NATS server whose disk is full", { skip }, () => {
  it("pauses the data-engine, and all goes on once the server was started again with room", async (t) => {
    const disk = diskOf(t, 48 * MB);
    const nats = await NatsServer.start({
      jetStream: false,
      config: `jetstream { store_dir: "${join(disk.path, "store")}", max_file_store: 1TB }`,
    });
    t.after(() => nats.stop());
    const records = 2_000_000;
    const path = join(folder.path, "server.duckdb");
    const pipeline = new Pipeline(t, {
      NATS_URL: nats.url,
      SOURCE: `synthetic:?count=${String(records)}`,
      SINK: `duckdb:${path}`,
      RESEND_AFTER_MS: "2000",
    });
    // Before there is a record: a source that is fast could be over before the disk is full.
    disk.fill(8 * MB);
    const data = pipeline.start("data");
    await data.started();
    await until(() => linesOf(data, "publishing_paused") === 1, 60_000, "a paused data-engine");
    await until(
      async () => /disk of the NATS server|is full/.test((await notReady(data)).publishing ?? ""),
      60_000,
      "a readiness that names the disk",
    );
    const isHung = !((await notReady(data)).publishing ?? "").includes("is full");
    const { stdout } = await runCrunch(["doctor", "--nats-url", nats.url, "--sink", `duckdb:${path}`]);
    if (isHung) assert.match(stdout, /its JetStream does not answer; if its disk was full, make room/);
    // Some servers hang so that only this ends them.
    await nats.kill();
    disk.resize(500 * MB);
    disk.heal();
    await nats.restart();

    await pipeline.start("engine").started();
    const results = pipeline.start("results");
    assert.equal((await data.exited).code, 0);
    const all = async (): Promise<boolean> =>
      (await results.metric("results_rows_total", 'outcome="stored"')) >= records;
    await until(all, 90_000, "all rows");
    results.kill("SIGTERM");
    assert.equal((await results.exited).code, 0);
    await assertEachOnce(path, records);
  });
});
