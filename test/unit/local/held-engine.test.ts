import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { EngineChild } from "../../../services/local/engine-child.js";
import { tempFolder } from "../../support/temp-folder.js";

const crunchPath = fileURLToPath(new URL("../../../../bin/crunch.js", import.meta.url));
const env = { ...process.env, SOURCE: "synthetic:?count=1" };

describe("an engine that is held", () => {
  const folder = tempFolder();
  after(() => folder.remove());

  function held(): EngineChild {
    const logPath = join(folder.path, "held.log");
    return new EngineChild({ args: [crunchPath, "data"], env, cwd: folder.path, logPath, isHeld: true });
  }

  it("starts when it is released, with what it is given then put over its environment", async () => {
    const child = held();
    child.release({ SOURCE: "no-such-source:" });
    const { code, stderr } = await child.ended;
    assert.equal(code, 2);
    assert.match(stderr, /no-such-source/);
  });

  it("has done nothing when it is ended before", async () => {
    const child = held();
    child.kill("SIGTERM");
    const { code, signal, stderr } = await child.ended;
    assert.deepEqual({ code, signal, stderr }, { code: null, signal: "SIGTERM", stderr: "" });
  });

  it("ends without having done anything when its launcher is gone", async () => {
    const child = fork(crunchPath, ["data"], {
      env: { ...env, CRUNCH_PARENT: String(process.pid), CRUNCH_HELD: "1" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.disconnect();
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 0);
  });
});
