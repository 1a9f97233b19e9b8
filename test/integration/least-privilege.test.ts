/** The product's real work over an encrypted connection, each program as its own user. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { encodeRecord } from "../../services/shared/codec/record-codec.js";
import { queryDuckDb } from "../support/duckdb-rows.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { SecuredNats } from "../support/secured-nats.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";
import type { Role } from "../../services/shared/nats/roles.js";

const ROWS = 150_000;
const WAIT_MS = 60_000;

interface Status {
  readonly published: number;
  readonly stored: number;
  readonly parked: number;
  readonly outstanding: number;
  readonly unaccounted: number;
}

describe("each program as its own user, over TLS", () => {
  const folder = tempFolder();
  let nats: SecuredNats;
  before(async () => {
    nats = await SecuredNats.start({ namespaces: [undefined, "x"], tls: true });
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  const common = {
    SINK: "duckdb:rows.duckdb",
    CRUNCHER: "identity",
    // So small that streams are trimmed while the test runs.
    STREAM_MAX_BYTES: "1048576",
    RUN_ID: "first",
  };
  const engineOf = (t: TestContext, command: string, role: Role, env = {}): CrunchProcess => {
    const engine = new CrunchProcess([command], { ...common, ...nats.env(role), ...env }, folder.path);
    t.after(() => engine.kill("SIGKILL"));
    return engine;
  };
  const run = (role: Role, ...args: string[]) =>
    runCrunch(args, { env: { ...common, ...nats.env(role) }, cwd: folder.path });
  const status = async (): Promise<Status> => {
    const { lastLine, stderr } = await run("status", "status", "--json");
    assert.ok(lastLine.startsWith("{"), stderr);
    return JSON.parse(lastLine) as Status;
  };

  it("an engine that finds no streams says who makes them", async () => {
    const { code, stderr } = await run("crunch-engine", "engine");

    assert.equal(code, 2);
    assert.match(
      stderr,
      /^NATS_URL=.* the user lacks a permission: .*STREAM\.CREATE\.DATA.*`crunch streams`/,
    );
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  });

  it("everything is crunched, stored, trimmed, parked, shown and replayed, and nobody asks for more", async (t) => {
    assert.deepEqual((await run("operator", "streams")).code, 0);

    // A record that another program takes for good comes back through its advisory.
    const operator = await nats.connect("operator");
    const client = await nats.connect("client");
    await client.jetstream().publish("data", encodeRecord(999_999n, 7n, ""));
    const taken = await operator.jetstream().consumers.get("DATA", "crunch");
    (await taken.next())?.term();
    await operator.flush();
    const heard: Uint8Array[] = [];
    client.subscribe("results", { callback: (_error, { data }) => heard.push(data) });
    await client.jetstream().publish("data", new Uint8Array([255, 255]));
    await operator.jetstream().publish("results", new Uint8Array([255, 255]));
    await client.jetstream().publish("data", encodeRecord(999_998n, 7n, ""));

    const rows = Array.from({ length: ROWS }, (_, index) => `${String(index + 1)},${String(index)}`);
    writeFileSync(join(folder.path, "rows.csv"), `id,data\n${rows.join("\n")}\n900001,no number\n`);
    const results = engineOf(t, "results", "results-engine");
    const engine = engineOf(t, "engine", "crunch-engine");
    await Promise.all([results.started(WAIT_MS), engine.started(WAIT_MS)]);
    const SOURCE = "file:rows.csv?id=id&data=data";
    const data = engineOf(t, "data", "data-engine", { SOURCE, MAX_OUTSTANDING: "20000" });
    await until(() => data.ended, WAIT_MS, "the end of the source");
    await until(async () => (await status()).parked === 4, WAIT_MS, "what is parked");
    await until(async () => (await status()).outstanding === 0, WAIT_MS, "outstanding = 0");
    await until(() => heard.length > 0, WAIT_MS, "the result of a single");

    const ledger = await status();
    const list = await run("console", "parked", "list");
    assert.deepEqual([ledger.parked, ledger.unaccounted], [4, 0], JSON.stringify(ledger));
    assert.match(list.stdout, /msg_terminated/);
    await until(
      async () =>
        (await (await operator.jetstreamManager({ checkAPI: false })).streams.info("DATA")).state.first_seq >
        2,
      WAIT_MS,
      "a trimmed stream",
    );

    const doctor = await run("operator", "doctor");
    assert.doesNotMatch(doctor.stdout, /may not|permission/i);
    const replay = await run("console", "parked", "replay", "--reason", "msg_terminated");
    assert.equal(replay.code, 0, replay.stderr);
    const isReplayed = async (): Promise<boolean> => {
      const { published, outstanding } = await status();
      return published === ledger.published + 1 && outstanding === 0;
    };
    await until(isReplayed, WAIT_MS, "the replayed record");
    assert.equal((await run("console", "parked", "drop", "--all", "--yes")).code, 0);

    // The same run again: where it was is looked up in the stream and in the notes.
    const again = engineOf(t, "data", "data-engine", { SOURCE });
    assert.equal((await again.exited).code, 0);
    for (const each of [results, engine]) each.kill("SIGTERM");
    for (const each of [results, engine, data, again]) {
      assert.equal((await each.exited).code, 0, each.stderr);
      assert.doesNotMatch(each.stdout + each.stderr, /ermission|cannot trim/);
    }
    await Promise.all([client.close(), operator.close()]);
    // What the file has, what the client sent, and what was replayed.
    const counted = "select count(*) as rows, count(distinct ID) as ids from results";
    assert.deepEqual(await queryDuckDb(join(folder.path, "rows.duckdb"), counted), [
      { rows: BigInt(ROWS + 2), ids: BigInt(ROWS + 2) },
    ]);
  });

  it("`crunch status` as its user replays nothing", async () => {
    const { code, stdout, stderr } = await run("status", "parked", "replay", "--all");

    assert.notEqual(code, 0);
    assert.doesNotMatch(stdout, /replayed\s+[1-9]/);
    assert.match(stderr, /ermission|permit/);
  });

  it("`crunch up` runs against such a server as the operator", async () => {
    const env = { ...nats.env("operator", "x"), SOURCE: "synthetic:?count=5000", CRUNCHER: "identity" };
    const args = ["up", "--json", "--sink", "duckdb:up.duckdb"];
    const { code, lastLine, stderr } = await runCrunch(args, { env, cwd: folder.path, deadlineMs: 120_000 });

    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(lastLine) as Status).stored, 5_000);
    assert.doesNotMatch(stderr, /ermission/);
  });
});
