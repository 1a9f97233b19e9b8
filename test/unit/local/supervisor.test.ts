import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { ChildEnd } from "../../../services/local/child.js";
import { EngineChild } from "../../../services/local/engine-child.js";
import { Supervisor } from "../../../services/local/supervisor.js";
import { UserError } from "../../../services/shared/errors.js";
import { tempFolder } from "../../support/temp-folder.js";
import { until } from "../../support/until.js";

const START = `console.log(JSON.stringify({ level: 30, event: "started", httpPort: 4711 }));`;
const STOP = `console.log(JSON.stringify({ level: 30, event: "stopped", published: 12 }));`;

describe("a supervised child", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  let scripts = 0;

  /** Supervises a script; each start of it appends to `starts`. */
  function supervise(
    script: string,
    options: { isFinished?: (end: ChildEnd) => boolean; now?: () => number } = {},
  ) {
    const path = join(folder.path, `child-${String((scripts += 1))}.mjs`);
    writeFileSync(path, script);
    const deaths: { report: string; end: ChildEnd }[] = [];
    const pids: number[] = [];
    const supervisor = new Supervisor({
      name: "some-engine",
      start: () =>
        new EngineChild({
          args: [path],
          env: { ...process.env, STARTS: String(pids.length) },
          cwd: folder.path,
          logPath: `${path}.log`,
        }),
      onStart: (child) => pids.push(child.pid),
      onDeath: (report, end) => deaths.push({ report, end }),
      restartDelayMs: 1,
      ...(options.isFinished !== undefined && { isFinished: options.isFinished }),
      ...(options.now !== undefined && { now: options.now }),
    });
    return { supervisor, deaths, pids, logPath: `${path}.log` };
  }

  it("is ready with its start line, and drains on stop with its stop line", async () => {
    const { supervisor, deaths, logPath } = supervise(
      `process.on("SIGTERM", () => { ${STOP} process.exit(0); }); setInterval(() => {}, 1000); ${START}`,
    );

    assert.deepEqual(await supervisor.ready(), { port: 4711 });
    const outcome = await supervisor.stop(60_000);

    assert.ok(outcome.kind === "stopped");
    assert.equal(outcome.end?.totals?.published, 12);
    assert.deepEqual(deaths, []);
    assert.equal(supervisor.details, undefined);
    assert.equal(readFileSync(logPath, "utf8").trimEnd().split("\n").length, 2);
  });

  it("is finished when its work ends by itself", async () => {
    const { supervisor, deaths } = supervise(`${START} ${STOP}`, {
      isFinished: ({ totals }) => totals?.published === 12,
    });

    const outcome = await supervisor.outcome;

    assert.ok(outcome.kind === "finished");
    assert.equal(outcome.end.totals?.published, 12);
    assert.deepEqual(deaths, []);
    assert.deepEqual(await supervisor.ready(), { port: 4711 }, "who asks late hears that it was ready");
  });

  it("is not started again once it was to stop, although a restart was due", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const end: ChildEnd = { code: 9, signal: null, stderr: "", lastWords: [], totals: undefined };
    let starts = 0;
    let deaths = 0;
    const supervisor = new Supervisor({
      name: "some-engine",
      start: () => {
        starts += 1;
        const ended = Promise.resolve(end);
        return { pid: 1, started: Promise.resolve(undefined), ended, kill: () => undefined };
      },
      onDeath: () => (deaths += 1),
    });
    while (deaths === 0) await Promise.resolve();

    assert.equal((await supervisor.stop(1_000)).kind, "stopped");
    context.mock.timers.tick(60_000);
    assert.equal(starts, 1);
  });

  it("is bad input when it exits with 2 before it was ready, with its own sentence", async () => {
    const { supervisor, deaths, pids } = supervise(
      `process.stderr.write('SINK="x": no such thing\\n'); process.exit(2);`,
    );

    await assert.rejects(supervisor.ready(), new UserError('SINK="x": no such thing'));
    assert.equal(pids.length, 1);
    assert.deepEqual(deaths, []);
  });

  it("is started again after a death, with its last words reported", async () => {
    const { supervisor, deaths, pids } = supervise(
      `${START}
       if (process.env.STARTS === "0") {
         console.log(JSON.stringify({ level: 60, msg: "broken", err: { message: "disk on fire" } }));
         console.error("at once");
         process.exit(1);
       }
       setInterval(() => {}, 1000);`,
    );

    await until(() => pids.length === 2 && supervisor.details !== undefined);
    const [death] = deaths;
    assert.equal(death?.report, "some-engine died (exit code 1) and is started again");
    assert.deepEqual([...death.end.lastWords].sort(), ["at once", "broken: disk on fire"]);
    supervisor.kill();
    await supervisor.outcome;
  });

  it("is started again when somebody else ends it, by SIGKILL or by SIGTERM", async () => {
    const { supervisor, deaths, pids } = supervise(
      `process.on("SIGTERM", () => process.exit(0)); ${START} setInterval(() => {}, 1000);`,
    );
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await until(() => supervisor.details !== undefined);
      const starts = pids.length;
      process.kill(supervisor.pid ?? 0, signal);
      await until(() => pids.length > starts);
    }
    supervisor.kill();
    await supervisor.outcome;

    assert.deepEqual(
      deaths.map(({ report }) => report),
      [
        "some-engine died (SIGKILL) and is started again",
        "some-engine died (exit code 0) and is started again",
      ],
    );
  });

  it("is given up after three deaths within a minute", async () => {
    const { supervisor, deaths, pids } = supervise(`process.exit(7);`, { now: () => 1_000 });

    await assert.rejects(supervisor.ready(), {
      name: "EngineError",
      message: "some-engine died (exit code 7), 3 times within 60 s",
    });
    assert.equal(pids.length, 3);
    assert.equal(deaths.length, 3);
  });

  it("may die again and again when the deaths are far enough apart", async () => {
    let now = 0;
    const { supervisor, pids } = supervise(`process.exit(7);`, { now: () => (now += 30_001) });

    await until(() => pids.length >= 5);
    supervisor.kill();
    assert.equal((await supervisor.outcome).kind, "stopped");
  });

  it("counts exit 2 as a death once it was ready", async () => {
    const { supervisor, deaths } = supervise(`${START} process.exit(2);`);

    const outcome = await supervisor.outcome;

    assert.equal(outcome.kind, "gave-up");
    assert.equal(deaths.length, 3);
  });

  it("is killed when it does not drain in time", async () => {
    const { supervisor } = supervise(
      `process.on("SIGTERM", () => {}); ${START} setInterval(() => {}, 1000);`,
    );
    await supervisor.ready();

    const outcome = await supervisor.stop(50);

    assert.ok(outcome.kind === "stopped");
    assert.equal(outcome.end?.signal, "SIGKILL");
  });

  it("has its start line found although other output surrounds it", async () => {
    const { supervisor } = supervise(
      `console.log("a user's cruncher prints"); console.log("{ half a line"); ${START}
       setInterval(() => {}, 1000);`,
    );

    assert.deepEqual(await supervisor.ready(), { port: 4711 });
    supervisor.kill();
    await supervisor.outcome;
  });
});
