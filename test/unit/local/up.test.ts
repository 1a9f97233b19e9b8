import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { RunningChildren } from "../../../services/local/left-overs.js";
import type { RunState } from "../../../services/local/state-directory.js";
import { up } from "../../../services/local/up.js";
import { tempFolder } from "../../support/temp-folder.js";
import { until } from "../../support/until.js";

/**
 * Stands in for bin/crunch.js: an engine that starts, does nothing, and stops as its environment
 * says (FAKE_DATA=..., FAKE_ENGINE=..., FAKE_RESULTS=... are JavaScript). Every life is noted in `lives`
 * once it was released.
 */
const FAKE_CRUNCH = `
  import { appendFileSync } from "node:fs";
  const [name] = process.argv.slice(2);
  const note = (what) => appendFileSync("lives", [name, what, process.env.RUN_ID, process.pid].join(" ") + "\\n");
  const say = (event, more) => console.log(JSON.stringify({ level: 30, event, ...more }));
  const started = () => (note("started"), say("started", { httpPort: 9 }));
  const stop = (totals) => { note("stopped"); say("stopped", totals); process.exit(0); };
  const stayUntilSigterm = (totals) => {
    process.on("SIGTERM", () => stop(totals));
    process.on("disconnect", () => stop(totals));
    setInterval(() => {}, 1000);
    started();
  };
  const results = (stored) =>
    stayUntilSigterm({ stored, repeats: 0, late: 1, latencyP50Ms: 2, latencyP99Ms: 3, sink: "a table" });
  const go = () => eval(process.env["FAKE_" + name.toUpperCase()]);
  if (process.env.CRUNCH_HELD === undefined) go();
  else {
    const lost = () => process.exit(0);
    process.on("disconnect", lost);
    process.once("message", (settings) => {
      Object.assign(process.env, settings);
      process.off("disconnect", lost);
      process.channel.unref();
      go();
    });
  }
`;
const ALL_WELL = {
  FAKE_DATA: "started(); stop({ published: 10, ended: 1 })",
  FAKE_ENGINE: "stayUntilSigterm({ crunched: 10 })",
  FAKE_RESULTS: "results(10)",
};

describe("crunch up", () => {
  const folders: (() => void)[] = [];
  after(() => folders.forEach((remove) => remove()));

  /** A folder to run in, and what is there to see afterwards. */
  function place() {
    const folder = tempFolder();
    folders.push(folder.remove);
    const fake = join(folder.path, "fake-crunch.mjs");
    writeFileSync(fake, FAKE_CRUNCH);
    const output = { stdout: "", stderr: "" };
    const run = (
      env: Record<string, string>,
      options: { engines?: number; json?: boolean; fresh?: boolean } = {},
    ) =>
      up({
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          NATS_SERVER_BIN: process.env.NATS_SERVER_BIN,
          SOURCE: "synthetic:?count=10",
          SINK: "duckdb:never.duckdb",
          ...ALL_WELL,
          ...env,
        },
        cwd: folder.path,
        crunchPath: fake,
        engines: options.engines ?? 1,
        json: options.json ?? false,
        fresh: options.fresh ?? false,
        stdout: { write: (text) => (output.stdout += text) },
        stderr: { write: (text) => (output.stderr += text) },
      });
    const lives = (): string[][] => {
      const path = join(folder.path, "lives");
      return existsSync(path)
        ? readFileSync(path, "utf8")
            .trimEnd()
            .split("\n")
            .map((line) => line.split(" "))
        : [];
    };
    const state = join(folder.path, ".crunch");
    const states = (): string[] => (existsSync(state) ? readdirSync(state) : []);
    const runState = (): RunState =>
      JSON.parse(readFileSync(join(state, states()[0] ?? "", "run.json"), "utf8")) as RunState;
    const children = (): RunningChildren =>
      JSON.parse(readFileSync(join(state, states()[0] ?? "", "processes.json"), "utf8")) as RunningChildren;
    return { path: folder.path, run, output, lives, states, runState, children };
  }

  it("starts the engines before the data-engine, ends them after it, and leaves nothing", async () => {
    const { run, output, lives, states } = place();

    assert.equal(await run({}, { json: true, engines: 2 }), 0, output.stderr);

    const noted = lives().map(([name, what]) => `${String(name)} ${String(what)}`);
    assert.deepEqual(noted.slice(0, 5), [
      "engine started",
      "engine started",
      "results started",
      "data started",
      "data stopped",
    ]);
    assert.deepEqual(noted.slice(5).sort(), ["engine stopped", "engine stopped", "results stopped"]);
    const { seconds, recordsPerSecond, ...rest } = JSON.parse(output.stdout) as Record<string, number>;
    assert.ok(Number(seconds) >= 0 && Number(recordsPerSecond) >= 0);
    assert.deepEqual(rest, {
      published: 10,
      stored: 10,
      repeats: 0,
      parked: 0,
      late: 1,
      outstanding: 0,
      latencyMs: { p50: 2, p99: 3 },
      sink: "a table",
    });
    assert.deepEqual(states(), []);
  });

  it("exits with 3 when records are missing", async () => {
    const { run, output } = place();

    assert.equal(await run({ FAKE_RESULTS: "results(7)" }), 3);

    assert.match(output.stdout, /outstanding +3\n/);
  });

  for (const engine of ["DATA", "ENGINE", "RESULTS"]) {
    it(`passes on bad input that ${engine.toLowerCase()} finds, and leaves nothing behind`, async () => {
      const { run, lives, states } = place();
      const bad = `process.stderr.write('SINK="x": is bad\\n'); process.exit(2)`;

      await assert.rejects(run({ [`FAKE_${engine}`]: bad }), {
        name: "UserError",
        message: 'SINK="x": is bad',
      });

      const counts = ["started", "stopped"].map((what) => lives().filter((life) => life[1] === what).length);
      assert.equal(counts[0], counts[1], "an engine was left running");
      assert.deepEqual(states(), []);
    });
  }

  it("says every problem of the settings of all engines at once, before it starts any", async () => {
    const { run, lives, states } = place();

    await assert.rejects(run({ DRAIN_MS: "1", THREADS: "many", BATCH_MAX_ROWS: "0" }), (error: Error) => {
      assert.equal(error.name, "UserError");
      assert.equal(error.message.match(/DRAIN_MS="1"/g)?.length, 1);
      assert.match(error.message, /THREADS="many"/);
      assert.match(error.message, /BATCH_MAX_ROWS="0"/);
      return true;
    });
    assert.deepEqual(lives(), []);
    assert.deepEqual(states(), []);
  });

  it("shows warnings of the engines, and asks them for what it needs whatever the settings say", async () => {
    const FAKE_ENGINE = `
      const { LOG_LEVEL, HTTP_PORT, HTTP_HOST } = process.env;
      console.log(JSON.stringify({ level: 40, msg: [LOG_LEVEL, HTTP_PORT, HTTP_HOST].join(" ") }));
      stayUntilSigterm({});`;
    const settings = { FAKE_ENGINE, HTTP_PORT: "80", HTTP_HOST: "0.0.0.0" };
    const first = place();
    const second = place();

    assert.equal(await first.run({ ...settings, LOG_LEVEL: "warn" }), 0);
    assert.match(first.output.stderr, /crunch-engine: info 0 127\.0\.0\.1\n/);
    assert.equal(await second.run({ ...settings, LOG_LEVEL: "error" }), 0);
    assert.doesNotMatch(second.output.stderr, /crunch-engine: info/);
  });

  it("starts a dead engine again under the same run id and tells its last words", async () => {
    const { run, output, lives } = place();
    const dieOnce = `
      started();
      if (process.env.FAKE_ENGINE.length && !(await import("node:fs")).existsSync("died")) {
        (await import("node:fs")).writeFileSync("died", "");
        console.error("out of luck");
        process.exit(9);
      }
      stayUntilSigterm({});`;

    const code = await run({
      FAKE_ENGINE: `(async () => { ${dieOnce} })()`,
      // The source ends after the engine's second life began.
      FAKE_DATA: `started(); setInterval(async () => {
        const lives = (await import("node:fs")).readFileSync("lives", "utf8");
        if (lives.split("engine started").length > 2) stop({ published: 10, ended: 1 });
      }, 10)`,
    });

    assert.equal(code, 0, output.stderr);
    assert.match(
      output.stderr,
      /crunch-engine died \(exit code 9\) and is started again; its last words:\n +out of luck/,
    );
    assert.equal(new Set(lives().map((life) => life[2])).size, 1);
  });

  it("goes on when its nats-server is killed", async () => {
    const { run, output, lives, children, path } = place();
    const running = run({
      FAKE_DATA: `started(); setInterval(async () => {
        if ((await import("node:fs")).existsSync("enough")) stop({ published: 10, ended: 1 });
      }, 10)`,
    });
    await until(() => lives().some((life) => life[0] === "data"));
    const pid = children().server?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    await until(() => (children().server?.pid ?? pid) !== pid);
    writeFileSync(join(path, "enough"), "");

    assert.equal(await running, 0, output.stderr);
    assert.match(output.stderr, /nats-server died \(SIGKILL\) and is started again/);
  });

  it("goes on when somebody else ends the data-engine before its source has ended", async () => {
    const { run, lives, output } = place();
    const stopOnce = `const { existsSync, writeFileSync } = await import("node:fs");
      started();
      if (existsSync("again")) stop({ published: 10, ended: 1 });
      writeFileSync("again", "");
      stop({ published: 4, ended: 0 });`;

    assert.equal(await run({ FAKE_DATA: `(async () => { ${stopOnce} })()` }), 0, output.stderr);

    assert.equal(lives().filter(([name, what]) => name === "data" && what === "started").length, 2);
    assert.match(output.stdout, /published +10\n/);
  });

  it("ends after three deaths, says how to go on, and the same command continues the run", async () => {
    const { run, output, lives, runState } = place();

    assert.equal(await run({ FAKE_DATA: "started(); process.exit(1)" }), 1);
    assert.match(
      output.stderr,
      /data-engine died \(exit code 1\), 3 times within 60 s\. Nothing is lost: the same/,
    );
    const stops = lives().filter((life) => life[1] === "stopped");
    assert.deepEqual(
      stops.map((life) => life[0]),
      ["engine", "results"],
    );
    const { runId, complete } = runState();
    assert.equal(complete, false);

    assert.equal(await run({}), 0, output.stderr);
    assert.match(output.stderr, /continuing the unfinished run/);
    assert.deepEqual([...new Set(lives().map((life) => life[2]))], [runId]);

    assert.equal(await run({}), 0);
    assert.equal(new Set(lives().map((life) => life[2])).size, 2, "a complete run is followed by a new one");
  });

  it("forgets an unfinished run with --fresh", async () => {
    const { run, lives } = place();
    await run({ FAKE_DATA: "started(); process.exit(1)" });

    assert.equal(await run({}, { fresh: true }), 0);

    assert.equal(new Set(lives().map((life) => life[2])).size, 2);
  });

  it("refuses to run twice at once in one place", async () => {
    const { run, lives } = place();
    const first = run({ FAKE_DATA: "stayUntilSigterm({ published: 10 })" });
    await until(() => lives().some((life) => life[0] === "data"));

    await assert.rejects(run({}), /another `crunch up` with the same source, cruncher and sink is running/);
    process.emit("SIGINT");
    assert.equal(await first, 0);
  });

  it("drains at the first Ctrl-C, the data-engine first; the run goes on later", async () => {
    const { run, output, lives, runState } = place();
    const running = run({ FAKE_DATA: "stayUntilSigterm({ published: 10 })" });
    await until(() => lives().some((life) => life[0] === "data"));

    process.emit("SIGINT");

    assert.equal(await running, 0, output.stderr);
    const [first, ...others] = lives().filter((life) => life[1] === "stopped");
    assert.equal(first?.[0], "data");
    assert.deepEqual(others.map((life) => life[0]).sort(), ["engine", "results"]);
    assert.equal(runState().complete, false);
    assert.match(output.stderr, /the same command continues the run/);
  });
});
