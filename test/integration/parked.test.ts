import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Parker } from "../../services/shared/parking.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { frameOf } from "../support/jobs.js";
import { connectTest, withClient } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { fixture } from "../support/troublesome-pool.js";
import { until } from "../support/until.js";

const namespace = "p";

describe("crunch parked on a real server", () => {
  const folder = tempFolder();
  const faultFile = join(folder.path, "fault");
  let nats: NatsServer;
  let env: Record<string, string>;
  before(async () => {
    nats = await NatsServer.start();
    env = {
      NATS_URL: nats.url,
      NAMESPACE: namespace,
      CRUNCHER: fixture("faulty-until.mjs"),
      FAULT_FILE: faultFile,
      SINK: "duckdb:rows.duckdb",
      THREADS: "1",
      STREAM_MAX_BYTES: "16777216",
    };
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  async function parked(...args: string[]): Promise<Record<string, unknown>[]> {
    const { code, stdout, stderr } = await runCrunch(["parked", ...args, "--json"], { env });
    assert.equal(code, 0, stderr);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it("brings a record whose fault is gone into the table once, and parks one that fails again anew", async () => {
    writeFileSync(faultFile, "");
    const engines = [new CrunchProcess(["engine"], env, folder.path)];
    engines.push(new CrunchProcess(["results"], env, folder.path));
    await Promise.all(engines.map((engine) => engine.started()));
    const messaging = await connectTest(nats.url, { namespace });
    const records = Array.from({ length: 6 }, (_, index) => ({ data: BigInt(index) }));
    const frame = { subject: "data.frame", payload: frameOf(records).payload, messageId: "f" } as const;
    await messaging.publisher.publish(frame);
    const row = { topic: "data", payload: Buffer.from("x,y"), reason: "bad_row", error: "line 2", id: "r" };
    await new Parker(messaging.publisher, "e").park({ ...row, topic: "data" });
    await until(async () => (await messaging.parkedMessages()) === 4, 60_000, "4 parked");

    const list = await parked("list", "--reason", "cruncher_threw");
    assert.deepEqual(list.map(({ ids }) => String(ids)).sort(), ["1", "3", "5"]);
    const [three, ...others] = await parked("list", "--id", "3", "--since", "1h", "--topic", "data");
    assert.deepEqual([others, three?.subject], [[], "data"]);
    const [shown] = await parked("show", String(three?.sequence));
    assert.match(String(shown?.error), /^Error: odd 💥\n\s*at .*faulty-until\.mjs/);
    assert.deepEqual(shown?.rows, [{ ID: "3", Data: "3", Meta: "" }]);

    // Still at fault: parked again, as a new entry.
    const [failedAgain] = await parked("replay", String(three?.sequence));
    assert.equal(failedAgain?.replayed, 1);
    await until(async () => (await messaging.parkedMessages()) === 5, 60_000, "the new entry");
    const [anew] = await parked("list", "--id", "3");
    assert.equal(anew?.sequence, 5);

    rmSync(faultFile);
    const [all] = await parked("replay", "--all");
    assert.deepEqual([all?.replayed, all?.skipped], [3, 1]);
    const [again] = await parked("replay", "5");
    assert.deepEqual([again?.replayed, again?.missing], [0, 1]);
    const stored = (): Promise<number> =>
      engines[1]?.metric("results_rows_total", 'outcome="stored"') ?? Promise.resolve(0);
    await until(async () => (await stored()) === 6, 60_000, "6 rows");

    const unasked = await runCrunch(["parked", "drop", "--all"], { env });
    assert.deepEqual([unasked.code, unasked.stderr.includes("--yes")], [2, true]);
    const [dropped] = await parked("drop", "--all", "--yes");
    assert.deepEqual(dropped, { dropped: 1, records: 1, missing: 0 });
    assert.deepEqual(await parked("list"), []);
    assert.equal((await runCrunch(["parked", "show", "5"], { env })).code, 2);
    await messaging.close();
    for (const engine of engines) engine.kill("SIGTERM");
    await Promise.all(engines.map((engine) => engine.exited));

    assert.deepEqual([engines[1]?.stopped?.stored, engines[1]?.stopped?.repeats], [6, 0]);
    const rows = await queryDuckDb(join(folder.path, "rows.duckdb"), "select ID from results order by ID");
    assert.deepEqual(
      rows.map(({ ID }) => ID),
      [0n, 1n, 2n, 3n, 4n, 5n],
    );
  });

  it("leaves the streams as the engines made them", async () => {
    const before_ = await withClient(nats.url, async (nc) =>
      (await nc.jetstreamManager()).streams.info("p-DATA"),
    );
    await parked("list");
    const now = await withClient(nats.url, async (nc) =>
      (await nc.jetstreamManager()).streams.info("p-DATA"),
    );
    assert.deepEqual(now.config, before_.config);
    assert.equal(now.config.max_bytes, 16_777_216);
  });

  it("says in one sentence that there is nothing, no such stream, or no command", async () => {
    const nobody = await runCrunch(["parked", "list"], { env: { ...env, NAMESPACE: "other" } });
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /^NAMESPACE="other": there is no stream other-PARKED on this server/);
    const bare = await runCrunch(["parked"], { env });
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /^Usage: crunch parked(.|\n)*replay(?!.*outputHelp)/);
    assert.equal((await runCrunch(["parked", "lst"], { env })).code, 2);
  });
});
