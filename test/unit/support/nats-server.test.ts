import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { identityOf } from "../../../services/local/process-identity.js";
import { NatsServer } from "../../support/nats-server.js";
import { until } from "../../support/until.js";

/** A test file that cannot start its server ends in a second; one that went on waiting took a minute. */
const END_MS = 30_000;
/** Node warns of more listeners than these 10. */
const SERVERS = 12;

const supportUrl = new URL("../../support/nats-server.js", import.meta.url).href;

describe("the nats-server of a test file", () => {
  it("leaves no listener behind when it is stopped", async () => {
    const before = process.listenerCount("exit");
    for (let count = 0; count < SERVERS; count++) {
      const server = await NatsServer.start({ jetStream: false });
      await server.stop();
    }
    assert.equal(process.listenerCount("exit"), before);
  });

  it("lets a test file end in which it could not be started", async () => {
    const script = `
      import { NatsServer } from ${JSON.stringify(supportUrl)};
      await NatsServer.start({ args: ["--no-such-flag"] }).catch(() => process.stdout.write("rejected"));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), END_MS);
    const [output, [code]] = await Promise.all([
      text(child.stdout),
      once(child, "close") as Promise<[number | null]>,
    ]);
    clearTimeout(deadline);
    assert.deepEqual({ output, code }, { output: "rejected", code: 0 });
  });

  it("ends with a test file that does not stop it", async (t) => {
    const script = `
      import { NatsServer } from ${JSON.stringify(supportUrl)};
      const server = await NatsServer.start({ jetStream: false });
      await server.kill();
      await server.restart();
      process.stdout.write(server.folder, () => process.exit(3));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [folder, [code]] = await Promise.all([
      text(child.stdout),
      once(child, "close") as Promise<[number]>,
    ]);
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    assert.equal(code, 3);
    const pids = readdirSync(folder).flatMap((name) => /_(\d+)\.ports$/.exec(name)?.[1] ?? []);
    assert.notEqual(pids.length, 0);
    await until(() => pids.every((pid) => identityOf(Number(pid)) === undefined));
  });
});
