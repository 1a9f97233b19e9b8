/** Runs with planted secrets of every kind: none of them is in a log, an answer, an error or a command line. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { FakeBigQuery } from "../../services/fake-bigquery/fake-bigquery.js";
import { newSeed, publicKeyOf } from "../../services/shared/nats/nkey.js";
import { CrunchProcess, runCrunch } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { writerIn } from "../support/test-certificates.js";
import { until } from "../support/until.js";

const WAIT_MS = 60_000;
const planted = (): string => `planted-${randomBytes(9).toString("hex")}`;
const secrets = {
  passwordInUrl: planted(),
  passwordInFile: planted(),
  wrongPassword: planted(),
  token: planted(),
  seed: newSeed(),
  strangeSeed: newSeed(),
  bigQueryKey: planted(),
};

/** Command lines of all processes of the machine: what every user of it may read. */
function commandLines(): string {
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(read)
    .join("\n");
}

describe("secrets", () => {
  const folder = tempFolder();
  const write = writerIn(folder.path);
  let nats: NatsServer;
  let fake: FakeBigQuery;
  const seen: string[] = [];
  before(async () => {
    fake = await FakeBigQuery.start();
    const users = [
      `{ user: ann, password: "${secrets.passwordInFile}" }`,
      `{ user: bob, password: "${secrets.passwordInUrl}" }`,
      `{ nkey: ${publicKeyOf(secrets.seed)} }`,
    ];
    nats = await NatsServer.start({ config: `authorization { users: [ ${users.join(", ")} ] }\n` });
  });
  after(async () => {
    await nats.stop();
    await fake.close();
    folder.remove();
  });

  const inUrl = (): string => nats.url.replace("//", `//bob:${secrets.passwordInUrl}@`);
  const byFile = (): Record<string, string> => ({
    NATS_URL: nats.url,
    NATS_USER: "ann",
    NATS_PASSWORD_FILE: write("password", secrets.passwordInFile),
  });
  const byNkey = (): Record<string, string> => ({
    NATS_URL: nats.url,
    NATS_NKEY_FILE: write("user.nk", secrets.seed),
  });
  const googleKey = (): string =>
    write("google.json", JSON.stringify({ type: "service_account", private_key: secrets.bigQueryKey }));
  const engine = (t: TestContext, command: string, env: Record<string, string>): CrunchProcess => {
    const started = new CrunchProcess([command], { LOG_LEVEL: "trace", ...env }, folder.path);
    t.after(() => started.kill("SIGKILL"));
    return started;
  };
  const search = (where: string, text: string): void => {
    seen.push(where);
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(!text.includes(secret), `${name} is in ${where}`);
    }
  };
  const searchAnswers = async (engines: readonly CrunchProcess[]): Promise<void> => {
    for (const each of engines) {
      const { httpPort } = await each.started(WAIT_MS);
      for (const path of ["metrics", "readyz", "livez"]) {
        const answer = await fetch(`http://127.0.0.1:${String(httpPort)}/${path}`);
        search(path, await answer.text());
      }
    }
  };

  it("are in nothing that a pipeline prints, serves or is called with, not even when its server dies", async (t) => {
    // Without an end, so that it is still there when its server dies.
    const data = engine(t, "data", { NATS_URL: inUrl(), SOURCE: "synthetic:?rate=5000" });
    const crunch = engine(t, "engine", { ...byNkey(), CRUNCHER: "identity" });
    const results = engine(t, "results", {
      ...byFile(),
      SINK: "bigquery:p/d/t",
      BIGQUERY_API_ENDPOINT: fake.url,
      GOOGLE_APPLICATION_CREDENTIALS: googleKey(),
    });
    const engines = [data, crunch, results];
    await searchAnswers(engines);
    search("command lines", commandLines());
    await nats.kill();
    await until(
      () => engines.every(({ stdout }) => stdout.includes("disconnected from NATS")),
      WAIT_MS,
      "disconnects",
    );
    await searchAnswers([crunch, results]);
    await nats.restart();

    const status = async () => runCrunch(["status", "--json"], { env: byFile() });
    const confirmed = (): Promise<number> => data.metric("data_confirmed_position");
    const before = await confirmed();
    await until(async () => (await confirmed()) > before, WAIT_MS, "records that go on");
    data.kill("SIGTERM");
    await data.exited;
    const published = Number(data.stopped?.published);
    await until(
      async () => {
        const { lastLine } = await status();
        return lastLine.startsWith("{") && (JSON.parse(lastLine) as { stored: number }).stored === published;
      },
      WAIT_MS,
      "all rows",
    );
    await searchAnswers([crunch, results]);
    for (const each of [crunch, results]) each.kill("SIGTERM");
    for (const each of engines) {
      assert.equal((await each.exited).code, 0);
      assert.ok(each.lines.length > 1);
      search("logs", each.stdout + each.stderr);
    }
  });

  const failures: readonly (readonly [
    what: string,
    args: readonly string[],
    env: () => Record<string, string>,
  ])[] = [
    [
      "a wrong password in a file",
      ["status"],
      () => ({ ...byFile(), NATS_PASSWORD_FILE: write("wrong", secrets.wrongPassword) }),
    ],
    [
      "a wrong token in NATS_URL",
      ["engine"],
      () => ({ NATS_URL: nats.url.replace("//", `//${secrets.token}@`) }),
    ],
    [
      "an address that is none",
      ["engine"],
      () => ({ NATS_URL: `nats://bob:${secrets.passwordInUrl}@h:99999` }),
    ],
    ["a user in --nats-url", ["status", "--nats-url", `nats://bob:x@127.0.0.1`], () => ({})],
    [
      "a seed the server does not know",
      ["data"],
      () => ({ ...byNkey(), NATS_NKEY_FILE: write("s", secrets.strangeSeed) }),
    ],
    ["a seed where credentials belong", ["results"], () => ({ NATS_CREDS_FILE: write("c", secrets.seed) })],
    [
      "a password where a key belongs",
      ["status"],
      () => ({ NATS_NKEY_FILE: write("p", secrets.passwordInFile) }),
    ],
    [
      "a password where an authority belongs",
      ["status"],
      () => ({ ...byFile(), NATS_TLS_CA_FILE: write("p", secrets.passwordInFile) }),
    ],
    [
      "a key of BigQuery that is none",
      ["results"],
      () => ({ ...byFile(), SINK: "bigquery:p/d/t", GOOGLE_APPLICATION_CREDENTIALS: googleKey() }),
    ],
  ];
  for (const [what, args, env] of failures) {
    it(`are not in the sentence about ${what}`, async () => {
      const { code, stdout, stderr } = await runCrunch(args, { env: env(), cwd: folder.path });

      assert.equal(code, 2, stdout + stderr);
      assert.notEqual(stderr, "");
      search(what, stdout + stderr);
      assert.doesNotMatch(stderr, /bob:x/);
    });
  }

  it("are not in what `crunch up` and `crunch doctor` print, nor in the arguments of their processes", async () => {
    const env = { NATS_URL: inUrl(), NAMESPACE: "up", SOURCE: "synthetic:?count=10000&rate=5000" };
    const up = new CrunchProcess(
      ["up", "--json"],
      { ...env, SINK: "duckdb:up.duckdb", CRUNCHER: "identity" },
      folder.path,
    );
    while (!up.ended) {
      search("command lines of `crunch up`", commandLines());
      await Promise.race([up.exited, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    assert.equal((await up.exited).code, 0, up.stderr);
    search("`crunch up`", up.stdout + up.stderr);
    const doctor = await runCrunch(["doctor"], {
      env: { ...env, SINK: "duckdb:up.duckdb" },
      cwd: folder.path,
    });
    search("`crunch doctor`", doctor.stdout + doctor.stderr);
    assert.match(doctor.stdout + doctor.stderr, /NATS|server/);
  });
});
