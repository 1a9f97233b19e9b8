import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { UserError } from "../../../services/shared/errors.js";
import { identityOf } from "../../../services/local/process-identity.js";
import { StateDirectory } from "../../../services/local/state-directory.js";
import { tempFolder } from "../../support/temp-folder.js";
import { until } from "../../support/until.js";

describe("the state directory", () => {
  const folder = tempFolder();
  after(() => folder.remove());
  let made = 0;
  const fresh = (): StateDirectory => new StateDirectory(folder.path, [`source ${String((made += 1))}`]);

  it("is the same for the same source, cruncher and sink, and another for others", () => {
    const path = (...what: string[]): string => new StateDirectory(folder.path, what).path;

    assert.equal(path("a", "b", "c"), path("a", "b", "c"));
    assert.notEqual(path("a", "b", "c"), path("a", "bc", ""));
  });

  it("belongs to one process at a time", () => {
    const state = fresh();
    state.lock();

    assert.throws(() => new StateDirectory(folder.path, [`source ${String(made)}`]).lock(), {
      name: "UserError",
      message: new RegExp(`another .* is running here \\(process ${String(process.pid)}, .*SINK`),
    });
    state.unlock();
    state.unlock();
    state.lock();
  });

  it("is taken over from a process that is gone, even if its pid runs again", async () => {
    const gone = spawn(process.execPath, ["-e", ""]);
    const identity = identityOf(gone.pid ?? 0);
    await new Promise((resolve) => gone.once("close", resolve));
    for (const owner of [identity, { pid: process.pid, startedAt: "long ago" }]) {
      const state = fresh();
      state.lock();
      writeFileSync(state.file("lock"), JSON.stringify(owner));

      new StateDirectory(folder.path, [`source ${String(made)}`]).lock();

      assert.deepEqual(JSON.parse(readFileSync(state.file("lock"), "utf8")), identityOf(process.pid));
    }
  });

  it("lets one in while another takes over, and forgets one that died meanwhile", () => {
    const state = fresh();
    mkdirSync(state.file("lock.guard"), { recursive: true });

    assert.throws(() => state.lock(), UserError);
    utimesSync(state.file("lock.guard"), 0, 0);
    state.lock();
    assert.equal(existsSync(state.file("lock.guard")), false);
  });

  it("remembers the run until it is forgotten", () => {
    const state = fresh();
    state.lock();
    const run = { runId: "r1", complete: false, parkedBefore: 2 };

    assert.equal(state.readRun(), undefined);
    state.writeRun(run);
    mkdirSync(state.file("nats"));
    assert.deepEqual(state.readRun(), run);
    state.forget();
    assert.equal(state.readRun(), undefined);
    assert.equal(existsSync(state.file("nats")), false);
    assert.equal(existsSync(state.file("lock")), true);
  });

  it("counts a file that a crash cut off as absent", () => {
    const state = fresh();
    state.lock();
    writeFileSync(state.file("run.json"), '{"runId":"r');

    assert.equal(state.readRun(), undefined);
  });

  it("leaves nothing when it is removed", () => {
    const state = fresh();
    state.lock();
    state.remove();

    assert.equal(existsSync(state.path), false);
    state.unlock();
  });
});

describe("the identity of a process", () => {
  it("is gone when the process is, also while its remains are not collected", async () => {
    const child = spawn("/bin/sh", ["-c", "(exit 0) & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const remains = await new Promise<number>((resolve) =>
      child.stdout.once("data", (text: Buffer) => resolve(Number(text.toString()))),
    );
    const own = identityOf(child.pid ?? 0);

    assert.ok(own !== undefined && own.startedAt !== "");
    assert.deepEqual(identityOf(child.pid ?? 0), own);
    await until(() => identityOf(remains) === undefined, 60_000, "remains that do not count as running");
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    assert.equal(identityOf(child.pid ?? 0), undefined);
  });
});
