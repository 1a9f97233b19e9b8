/** The console's server over a real nats-server: what it shows, to whom, and what it lets nobody do. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import type { ConsoleLook, ParkedDetail, ParkedList } from "../../services/console/console-look.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import type { Status } from "../../services/status/status-report.js";
import { startConsole, streamsWithParked } from "../support/console-process.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { singleOf } from "../support/jobs.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const TOKEN = "correct-horse-battery";
const PATIENCE_MS = 60_000;
const PATHS = [
  "/",
  "/page.js",
  "/page.css",
  "/icon.svg",
  "/api/look",
  "/api/parked",
  "/readyz",
  "/livez",
  "/nope",
];

describe("crunch console", () => {
  const folder = tempFolder();
  let nats: NatsServer;
  before(async () => {
    nats = await NatsServer.start();
  });
  after(async () => {
    await nats.stop();
    folder.remove();
  });
  const consoleOf = (t: TestContext, env: Readonly<Record<string, string>>): Promise<string> =>
    startConsole(t, { NATS_URL: nats.url, ...env });
  const streamsOf = (t: TestContext, namespace: string): Promise<NatsMessaging> =>
    streamsWithParked(t, nats.url, namespace);

  it("serves its page with a policy that lets in nothing inline and nothing from elsewhere", async (t) => {
    const namespace = freshNamespace();
    await streamsOf(t, namespace);
    const url = await consoleOf(t, { NAMESPACE: namespace });
    for (const path of PATHS) {
      const response = await fetch(url + path);
      const text = await response.text();
      assert.equal(
        response.headers.get("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        path,
      );
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal(response.status, path === "/nope" ? 404 : 200, path);
      if (path === "/") assert.doesNotMatch(text, /<style|style=|<script>|\son\w+=|https?:/);
    }
  });

  it("knows its own addresses only, and changes nothing by reading", async (t) => {
    const url = await consoleOf(t, {});
    for (const path of [
      "/nope",
      "/index.html",
      "/../package.json",
      "/api",
      "/api/parked/0",
      "/api/parked/x",
      "//",
    ]) {
      assert.equal((await fetch(url + path)).status, 404, path);
    }
    const methods = [
      ["POST", "/", 405],
      ["DELETE", "/api/look", 405],
      ["GET", "/api/parked/1/replay", 405],
      ["HEAD", "/", 200],
    ] as const;
    for (const [method, path, status] of methods) {
      assert.equal((await fetch(url + path, { method })).status, status, `${method} ${path}`);
    }
  });

  it("shows exactly what `crunch status --json` prints, the latest results and the past", async (t) => {
    const namespace = freshNamespace();
    const env = { NATS_URL: nats.url, NAMESPACE: namespace };
    const url = await consoleOf(t, env);
    const look = async (after_ = 0): Promise<ConsoleLook> =>
      (await (await fetch(`${url}/api/look?after=${String(after_)}`)).json()) as ConsoleLook;
    await until(async () => (await look()).trouble !== null, PATIENCE_MS, "that nothing is there");
    assert.match((await look()).trouble ?? "", /^no pipeline has run there yet/);

    const settings = {
      ...env,
      SOURCE: "synthetic:?count=500",
      SINK: "duckdb:look.duckdb",
      CRUNCHER: "identity",
    };
    const engines = ["engine", "results", "data"].map(
      (role) => new CrunchProcess([role], settings, folder.path),
    );
    for (const engine of engines) t.after(() => engine.kill("SIGKILL"));
    await until(async () => (await look()).status?.stored === 500, PATIENCE_MS, "500 rows");
    const isSame = async (): Promise<boolean> => {
      const { lastLine } = await runCrunch(["status", "--json"], { env });
      return (
        JSON.stringify(withoutTimes(JSON.parse(lastLine) as Status)) === JSON.stringify(shownBy(await look()))
      );
    };
    await until(isSame, PATIENCE_MS, "the figures of crunch status");

    const { history, latest, lookedUntilMs, natsUrl } = await look();
    assert.equal(natsUrl, nats.url);
    assert.equal(latest[0]?.Data, latest[0]?.RData, "of the cruncher identity");
    assert.ok(history.length > 1);
    assert.ok((await look(lookedUntilMs ?? 0)).history.length < history.length, "only what is newer");

    const another = new CrunchProcess(["engine"], settings, folder.path);
    t.after(() => another.kill("SIGKILL"));
    const hasJoined = async (): Promise<boolean> =>
      (await look()).events.some(({ what, pid }) => what === "joined" && pid === another.pid);
    await until(hasJoined, PATIENCE_MS, "the engine that joined");
  });

  it("lists, opens and replays what is parked, for whoever has the token", async (t) => {
    const namespace = freshNamespace();
    const messaging = await streamsOf(t, namespace);
    const url = await consoleOf(t, { NAMESPACE: namespace, CONSOLE_TOKEN: TOKEN });
    const { items } = (await (await fetch(`${url}/api/parked?reason=cruncher_threw`)).json()) as ParkedList;
    assert.deepEqual(
      items.map(({ sequence, ids, reason }) => [sequence, ids, reason]),
      [[1, ["5"], "cruncher_threw"]],
    );
    const none = (await (await fetch(`${url}/api/parked?reason=other`)).json()) as ParkedList;
    assert.deepEqual(none, { items: [], nextSequence: null });

    const detail = (await (await fetch(`${url}/api/parked/1`)).json()) as ParkedDetail;
    assert.match(detail.error, /^Error: odd\n\s*at a.mjs:1$/);
    assert.deepEqual(detail.origin, { stream: `${namespace}-DATA`, sequence: 1, deliveries: 2 });
    assert.deepEqual(detail.rows, [{ ID: "5", Data: "3", Meta: "<b>five</b>" }]);
    assert.match(detail.hexDump, /^00000000 {2}08 05 10 03/);

    const replay = (authorization?: string): Promise<Response> =>
      fetch(`${url}/api/parked/1/replay`, {
        method: "POST",
        ...(authorization !== undefined && { headers: { authorization } }),
      });
    const asked = await replay();
    assert.deepEqual([asked.status, asked.headers.get("www-authenticate")], [401, "Bearer"]);
    assert.equal((await replay(`Bearer ${TOKEN}x`)).status, 403);
    assert.equal((await messaging.backlog("data")).lastSequence, 1, "nothing was published");

    const done = await replay(`Bearer ${TOKEN}`);
    assert.deepEqual([done.status, await done.json()], [200, { ok: true, detail: "1 is replayed" }]);
    const [published] = await messaging.newest("data", 1);
    assert.deepEqual(published?.payload, singleOf({ id: 5n, data: 3n, meta: "<b>five</b>" }).payload);
    assert.equal((await fetch(`${url}/api/parked/1`)).status, 404);
    const again = await replay(`Bearer ${TOKEN}`);
    assert.deepEqual(
      [again.status, await again.json()],
      [409, { ok: false, detail: "1 is not parked any more" }],
    );
  });

  it("is read-only without a token", async (t) => {
    const namespace = freshNamespace();
    const messaging = await streamsOf(t, namespace);
    const url = await consoleOf(t, { NAMESPACE: namespace, CONSOLE_TOKEN: "" });
    assert.equal(((await (await fetch(`${url}/api/look`)).json()) as ConsoleLook).canReplay, false);

    for (const authorization of ["Bearer ", "Bearer undefined", `Bearer ${TOKEN}`]) {
      const response = await fetch(`${url}/api/parked/1/replay`, {
        method: "POST",
        headers: { authorization },
      });
      assert.equal(response.status, 403);
      assert.match(await response.text(), /read-only/);
    }
    assert.equal((await messaging.backlog("data")).lastSequence, 1, "nothing was published");
    assert.equal((await fetch(`${url}/api/parked/1`)).status, 200, "it is still parked");
  });

  it("tells no secret: neither its token nor the password of NATS", async (t) => {
    const namespace = freshNamespace();
    await streamsOf(t, namespace);
    const withPassword = nats.url.replace("nats://", "nats://somebody:hush-hush@");
    const url = await consoleOf(t, { NATS_URL: withPassword, NAMESPACE: namespace, CONSOLE_TOKEN: TOKEN });
    const shown = (): Promise<Response> => fetch(`${url}/api/look`);
    await until(async () => (await (await shown()).text()).includes('"published"'), PATIENCE_MS, "a look");

    for (const path of [...PATHS, "/api/parked/1"]) {
      const response = await fetch(url + path);
      const said = JSON.stringify([...response.headers]) + (await response.text());
      assert.ok(!said.includes(TOKEN) && !said.includes("hush-hush"), path);
    }
  });

  it("listens on this machine only, under this machine's names, unless told", async (t) => {
    const local = await consoleOf(t, {});
    assert.equal(new URL(local).hostname, "127.0.0.1");
    const statusAs = (address: string, host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        httpRequest(`${address}/api/look`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    assert.equal(await statusAs(local, "localhost:8088"), 200);
    assert.equal(await statusAs(local, "[::1]:8088"), 200);
    assert.equal(await statusAs(local, "rebound.example"), 421);
    const elsewhere = Object.values(networkInterfaces())
      .flat()
      .find((face) => face?.family === "IPv4" && !face.internal)?.address;
    if (elsewhere !== undefined) {
      await assert.rejects(fetch(`http://${elsewhere}:${new URL(local).port}/livez`));
    }

    const open = await consoleOf(t, { CONSOLE_HOST: "0.0.0.0" });
    const port = new URL(open).port;
    assert.equal(await statusAs(`http://127.0.0.1:${port}`, "console.example"), 200);
    const taken = await runCrunch(["console", "--console-port", port], {
      env: { NATS_URL: nats.url, CONSOLE_HOST: "0.0.0.0" },
    });
    assert.equal(taken.code, 2);
    assert.match(
      taken.stderr,
      new RegExp(`^CONSOLE_PORT=${port}: 0.0.0.0:${port} is taken; 0 takes any free port\n$`),
    );
  });

  it("says that the figures are old while NATS is away, and goes on when it is back", async (t) => {
    const own = await NatsServer.start();
    t.after(() => own.stop());
    const messaging = await connectTest(own.url);
    t.after(() => messaging.close());
    const url = await consoleOf(t, { NATS_URL: own.url });
    const look = async (): Promise<ConsoleLook> =>
      (await (await fetch(`${url}/api/look`)).json()) as ConsoleLook;
    await until(async () => (await look()).status !== null, PATIENCE_MS, "a look");

    own.pause();
    await until(async () => (await look()).trouble !== null, PATIENCE_MS, "the trouble");
    assert.match((await look()).trouble ?? "", /^the streams do not answer: /);
    assert.notEqual((await look()).status, null, "the figures stay");
    own.resume();
    await until(async () => (await look()).trouble === null, PATIENCE_MS, "the next look");
  });

  it("ends on SIGTERM with exit code 0", async () => {
    const served = new CrunchProcess(["console", "--console-port", "0"], { NATS_URL: nats.url });
    await until(() => served.stdout.includes("read-only"), PATIENCE_MS, "the start line");
    served.kill("SIGTERM");
    assert.equal((await served.exited).code, 0, served.stderr);
  });

  /** What changes from one moment to the next although nothing happens. */
  function withoutTimes(status: Status): object {
    const { storedPerSecond, data, results, engines, ...rest } = status;
    const steady = (stage: Status["data"]): object => ({ ...stage, recordsPerSecond: 0 });
    assert.ok(storedPerSecond >= 0);
    return {
      ...rest,
      data: steady(data),
      results: steady(results),
      engines: engines.map((engine) => ({ ...engine, atMs: 0 })),
    };
  }

  function shownBy({ status }: ConsoleLook): object {
    return status === null ? {} : withoutTimes(status);
  }
});
