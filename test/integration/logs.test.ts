import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const RECORDS = 3_000;
/** What every line has. */
const COMMON = ["level", "time", "service", "pid", "msg"];

describe("the log of a healthy run", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start({ args: ["--user", "me", "--pass", "s3cret"] });
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });

  it("of each engine is one line at its start and one at its stop, with what matters and no secret", async () => {
    const url = nats.url.replace("//", "//me:s3cret@");
    const env = { NATS_URL: url, NAMESPACE: "logs", LOG_LEVEL: "trace", RUN_ID: "healthy" };
    const engine = new CrunchProcess(["engine"], { ...env, CRUNCHER: "identity", THREADS: "1" }, folder.path);
    const results = new CrunchProcess(["results"], { ...env, SINK: "duckdb:logs.duckdb" }, folder.path);
    await Promise.all([engine.started(), results.started()]);
    const data = new CrunchProcess(["data"], { ...env, SOURCE: `synthetic:?count=${String(RECORDS)}` });
    assert.equal((await data.exited).code, 0);
    const stored = () => results.metric("results_rows_total", 'outcome="stored"');
    await until(async () => (await stored()) === RECORDS, 60_000, "every row");
    for (const process_ of [engine, results]) process_.kill("SIGTERM");
    await Promise.all([engine.exited, results.exited]);

    const settings = { ...env, NATS_URL: nats.url.replace("//", "//***@") };
    const crunchSettings = { ...settings, CRUNCHER: "identity", THREADS: 1 };
    const given = (line: unknown, more: object): void => assert.deepEqual(line, { ...settings, ...more });
    const [started, stopped] = linesOf(data, "data-engine", [
      ["event", "version", "httpPort", "source", "runId", "resumedAt", "expectedRecords", "settings"],
      ["event", "why", "ranMs", "published", "parked", "ended"],
    ]);
    given(started?.settings, { SOURCE: `synthetic:?count=${String(RECORDS)}` });
    assert.deepEqual([stopped?.why, stopped?.published, stopped?.parked], ["all is done", RECORDS, 0]);
    const [crunching, crunched] = linesOf(engine, "crunch-engine", [
      ["event", "version", "httpPort", "cruncher", "cruncherVersion", "threads", "settings"],
      ["event", "why", "ranMs", "crunched", "parked"],
    ]);
    // RUN_ID is no setting of a crunch-engine.
    const { RUN_ID, ...ofCrunch } = crunchSettings;
    assert.deepEqual([crunching?.settings, RUN_ID], [ofCrunch, "healthy"]);
    assert.deepEqual([crunched?.why, crunched?.crunched], ["SIGTERM", RECORDS]);
    const [storing, ended] = linesOf(results, "results-engine", [
      ["event", "version", "httpPort", "sink", "runId", "settings"],
      [
        "event",
        "why",
        "ranMs",
        "stored",
        "repeats",
        "late",
        "latencyP50Ms",
        "latencyP99Ms",
        "parked",
        "sink",
      ],
    ]);
    given(storing?.settings, { SINK: "duckdb:logs.duckdb" });
    assert.deepEqual([ended?.why, ended?.stored, ended?.late], ["SIGTERM", RECORDS, 0]);
    for (const { stdout, stderr } of [data, engine, results]) {
      assert.doesNotMatch(stdout, /s3cret/);
      assert.equal(stderr, "");
    }
  });

  it("is for people where LOG_FORMAT=pretty", async () => {
    const env = {
      NATS_URL: nats.url.replace("//", "//me:s3cret@"),
      NAMESPACE: "pretty",
      LOG_FORMAT: "pretty",
    };

    const { code, stdout } = await runCrunch(["data"], { env: { ...env, SOURCE: "synthetic:?count=10" } });

    assert.equal(code, 0);
    const [started = "", stopped = "", ...more] = stdout.trimEnd().split("\n");
    assert.match(
      started,
      /^\[[-\d]+ [\d:.]+\] INFO: data-engine started \{.*"source":"synthetic:\?count=10"/,
    );
    assert.match(stopped, /INFO: data-engine stopped: all is done \{.*"published":10/);
    assert.deepEqual(more, []);
  });
});

/** The two lines of an engine, which must have these fields and no others. */
function linesOf(process_: CrunchProcess, service: string, fields: readonly (readonly string[])[]) {
  const { lines } = process_;
  assert.deepEqual(
    lines.map(({ event }) => event),
    ["started", "stopped"],
    process_.stdout,
  );
  for (const [index, line] of lines.entries()) {
    assert.deepEqual(Object.keys(line).sort(), [...COMMON, ...(fields[index] ?? [])].sort());
    assert.equal(line.service, service);
  }
  return lines;
}
