import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync } from "node:fs";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import { natsServerBinary } from "../../../services/local/nats-server-binary.js";
import { NatsServerChild } from "../../../services/local/nats-server.js";
import { identityOf, isRunning } from "../../../services/local/process-identity.js";
import type { ProcessIdentity } from "../../../services/local/process-identity.js";
import { endLeftOvers } from "../../../services/local/left-overs.js";
import { Watchdog } from "../../../services/local/watchdog.js";
import { tempFolder } from "../../support/temp-folder.js";
import { until } from "../../support/until.js";

/** What a nats-server says first to whoever connects. */
async function greeting(port: number): Promise<Record<string, unknown>> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").once("error", reject);
    let said = "";
    socket.on("data", (bytes) => {
      said += bytes.toString();
      if (!said.includes("\r\n")) return;
      socket.destroy();
      resolve(JSON.parse(said.replace(/^INFO /, "").split("\r\n")[0] ?? "") as Record<string, unknown>);
    });
  });
}

/** What a process says to its end, which tells whether `step` asked for it. */
async function saidAfter(step: (identity: ProcessIdentity) => Promise<void>): Promise<string> {
  const script = 'trap "echo asked to end" TERM; read -r line; echo "$line"';
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  const gone = new Promise((resolve) => child.once("close", resolve));
  const identity = identityOf(child.pid ?? 0);
  assert.ok(identity);
  await step(identity);
  child.stdin.end("not asked\n");
  await gone;
  return said;
}

describe("a nats-server of our own", async () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const binary = await natsServerBinary(process.env);
  const start = (name: string, port = 0, program = binary): NatsServerChild =>
    new NatsServerChild({
      binary: program,
      env: process.env,
      folder: `${folder.path}/${name} with "quotes`,
      port,
    });

  it("listens on a free loopback port with JetStream, and on the same port after a crash", async () => {
    const first = start("crash");
    const { port } = (await first.started) ?? { port: 0 };
    assert.equal((await greeting(port)).jetstream, true);
    first.kill("SIGKILL");
    assert.equal((await first.ended).signal, "SIGKILL");

    const second = start("crash", port);
    assert.deepEqual(await second.started, { port });
    assert.equal((await greeting(port)).jetstream, true);
    second.kill("SIGTERM");
    await second.ended;
    await assert.rejects(greeting(port));
  });

  it("is found on its port whatever its program file is called", async () => {
    const renamed = `${folder.path}/another-name`;
    copyFileSync(binary, renamed);
    const server = start("renamed", 0, renamed);
    const { port } = (await server.started) ?? { port: 0 };
    assert.equal((await greeting(port)).jetstream, true);
    server.kill("SIGTERM");
    await server.ended;
  });

  it("leaves its last words when it cannot start", async () => {
    const holder = start("holder");
    const { port } = (await holder.started) ?? { port: 0 };
    const second = start("second", port);

    assert.equal(await second.started, undefined);
    assert.match((await second.ended).lastWords.join("\n"), /address already in use/);
    holder.kill("SIGTERM");
    await holder.ended;
  });

  it("that is no program at all ends before it starts", async () => {
    const child = new NatsServerChild({
      binary: `${folder.path}/absent`,
      env: process.env,
      folder: folder.path,
      port: 0,
    });

    assert.equal(await child.started, undefined);
    assert.match((await child.ended).lastWords.join(), /ENOENT/);
  });

  it("is ended by the watchdog only after launcher and engines are gone", async () => {
    const server = start("watched");
    await server.started;
    const watchdog = new Watchdog();
    const identity = identityOf(server.pid);
    assert.ok(identity);
    watchdog.watch(identity);
    const engine = spawn("/bin/sh", ["-c", "read -r line"], {
      stdio: ["pipe", "ignore", "ignore", watchdog.lifeLine],
    });
    const engineGone = new Promise((resolve) => engine.once("close", resolve));
    // The launcher's death: its end of the life line is gone, without a last word.
    watchdog.lifeLine.destroy();

    const ended = await Promise.race([
      server.ended,
      new Promise((resolve) => setTimeout(resolve, 300, "alive")),
    ]);
    assert.equal(ended, "alive");
    engine.stdin?.end("drained\n");
    await engineGone;
    await until(() => !isRunning(identity));
  });

  it("is left alone by a watchdog that was closed", async () => {
    const said = await saidAfter((server) => {
      const watchdog = new Watchdog();
      watchdog.watch(server);
      watchdog.close();
      watchdog.close();
      return watchdog.ended;
    });
    assert.equal(said, "not asked\n");
  });

  it("that is gone is not mistaken by its watchdog for another process with its pid", async () => {
    const said = await saidAfter((stranger) => {
      const watchdog = new Watchdog();
      watchdog.watch({ ...stranger, startedAt: `${stranger.startedAt}0` });
      watchdog.lifeLine.destroy();
      return watchdog.ended;
    });
    assert.equal(said, "not asked\n");
  });

  it("left over by an earlier start is ended, engines before it, and others with their pids are not", async () => {
    const server = start("left-over");
    await server.started;
    const engine = spawn("/bin/sh", ["-c", "sleep 60"], { stdio: "ignore" });
    const stranger = spawn("/bin/sh", ["-c", "sleep 60"], { stdio: "ignore" });
    const engineIdentity = identityOf(engine.pid ?? 0);
    const strangerIdentity = identityOf(stranger.pid ?? 0);
    assert.ok(engineIdentity && strangerIdentity);

    await endLeftOvers(
      {
        engines: [engineIdentity, { ...strangerIdentity, startedAt: "before" }],
        server: identityOf(server.pid),
      },
      { drainMs: 50, serverMs: 50 },
    );

    assert.equal(isRunning(engineIdentity), false);
    assert.equal(isRunning(strangerIdentity), true);
    assert.equal(identityOf(server.pid), undefined);
    assert.notEqual((await server.ended).signal, "SIGKILL");
    stranger.kill("SIGKILL");
  });
});
