import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { RunningChildren } from "../../services/local/left-overs.js";
import { isRunning } from "../../services/local/process-identity.js";
import type { ProcessIdentity } from "../../services/local/process-identity.js";
import { CrunchProcess } from "../support/engine-process.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

describe("the end of crunch up", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  writeFileSync(
    join(folder.path, "slow.mjs"),
    "export default () => new Promise((resolve) => setTimeout(resolve, 60_000, 1));\n",
  );

  /** Starts a run whose records take a minute each, and waits until some are being crunched. */
  async function startSlowRun(
    name: string,
    drainMs: number,
  ): Promise<{ up: CrunchProcess; children: ProcessIdentity[] }> {
    const cwd = folder.path;
    const before = new Set(states());
    const args = [
      "up",
      "--source",
      "synthetic:?count=8",
      "--cruncher",
      "./slow.mjs",
      "--sink",
      `duckdb:${name}.duckdb`,
    ];
    const up = new CrunchProcess(args, { DRAIN_MS: String(drainMs) }, cwd);
    await until(() => up.stderr.includes(" 8 published") || up.ended, 30_000, "published records");
    const state = states().find((one) => !before.has(one)) ?? "";
    const path = join(folder.path, ".crunch", state, "processes.json");
    const { engines, server } = JSON.parse(readFileSync(path, "utf8")) as RunningChildren;
    const started = [...engines, ...(server === undefined ? [] : [server])];
    // The data-engine has published all, and ends.
    await until(() => started.filter(isRunning).length <= 3, 60_000, "the end of the data-engine");
    const children = started.filter(isRunning);
    assert.equal(children.length, 3, "crunch-engine, results-engine and nats-server still run");
    return { up, children };
  }
  function states(): string[] {
    return readdirSync(folder.path).includes(".crunch") ? readdirSync(join(folder.path, ".crunch")) : [];
  }

  it("comes at once with the second Ctrl-C, and takes every process with it", async () => {
    const { up, children } = await startSlowRun("twice", 60_000);

    up.kill("SIGINT");
    await until(() => up.stderr.includes("stopping"), 60_000, "the word that it drains");
    up.kill("SIGINT");

    assert.equal((await up.exited).code, 1);
    await until(() => !children.some(isRunning), 60_000, "the end of the children");
  });

  it("leaves no process behind when it is killed", async () => {
    const { up, children } = await startSlowRun("killed", 500);

    up.kill("SIGKILL");
    await up.exited;

    await until(() => !children.some(isRunning), 60_000, "the end of the children");
  });
});
