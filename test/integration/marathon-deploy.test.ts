import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { FakeMarathon } from "../support/fake-marathon.js";
import { runScript } from "../support/run-script.js";
import type { ScriptEnd } from "../support/run-script.js";
import { tempFolder } from "../support/temp-folder.js";

const GIVEN = { NATS_URL: "nats://user:nats-password@nats:4222", SINK: "bigquery:project/crunch/results" };

describe("deploy-marathon/deploy.sh", () => {
  let fake: FakeMarathon;
  let folder: { path: string; remove: () => void };

  before(() => (folder = tempFolder()));
  after(() => folder.remove());
  beforeEach(async () => (fake = await FakeMarathon.start()));
  afterEach(() => fake.close());

  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ScriptEnd> =>
    runScript("deploy-marathon/deploy.sh", args, { MARATHON_URL: fake.url, ...GIVEN, ...env });
  const fileOf = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return path;
  };
  const small = (): string => fileOf("small.json", '{ "id": "/small", "cmd": "sleep ${SLEEP:-60}" }');

  it("deploys the group, filled in", async () => {
    fake.cluster.looksPerDeployment = 1;
    const { code, stdout, stderr } = await run([], {
      IMAGE_PREFIX: "registry.example.com/team",
      IMAGE_TAG: "7",
    });

    assert.equal(code, 0, stderr);
    assert.match(stdout, /\/data-crunch: deployed, every instance is well\n$/);
    const engine = fake.cluster.apps.get("/data-crunch/crunch-engine");
    assert.match(JSON.stringify(engine), /"image":"registry\.example\.com\/team\/crunch-engine:7"/);
    assert.match(JSON.stringify(engine), /"NATS_URL":"nats:\/\/user:nats-password@nats:4222"/);
  });

  it("prints the file, filled in, and asks Marathon nothing", async () => {
    const { code, stdout } = await run(["--print", "deploy-marathon/app.json"]);

    assert.equal(code, 0);
    assert.match(stdout, /"image": "data-crunch\/crunch-engine:\d+\.\d+\.\d+"/);
    assert.equal(fake.requests.length, 0);
  });

  it("tells what Marathon would do for a group, and what differs for an app, without its values", async () => {
    const group = await run(["--dry-run"]);
    const app = await run(["--dry-run", small()]);
    fake.cluster.looksPerDeployment = 1;
    await run([small()]);
    const changed = await run(["--dry-run", small()], { SLEEP: "70" });
    const same = await run(["--dry-run", small()]);

    assert.deepEqual([group.code, app.code, changed.code, same.code], [0, 0, 0, 0]);
    assert.match(
      group.stdout,
      /would take 3 steps\n {2}step 1: StartApplication \/data-crunch\/results-engine\n/,
    );
    assert.equal(app.stdout, "/small: would be started\n");
    assert.equal(changed.stdout, "/small: would change cmd\n");
    assert.equal(same.stdout, "/small: nothing would change\n");
    assert.equal(fake.changes.length, 1);
  });

  it("goes back and exits with 1 when an app does not get well in time, and leaves it with 5 when told to", async () => {
    fake.cluster.looksPerDeployment = 1;
    await run([]);
    fake.cluster.brokenImages.add("data-crunch/crunch-engine:8");
    const back = await run(["--timeout-ms", "1000"], { IMAGE_TAG: "8" });
    const left = await run(["--timeout-ms", "1", "--no-rollback"], { IMAGE_TAG: "8" });

    assert.equal(back.code, 1, back.stdout);
    assert.match(back.stdout, /crunch-engine failed at .*\n.*back to version/);
    assert.equal(left.code, 5, left.stdout);
  });

  it("exits with 3 when another deployment is in progress, and with 0 when it is forced", async () => {
    fake.cluster.brokenImages.add("broken");
    const broken = fileOf(
      "broken.json",
      '{ "id": "/small", "container": { "docker": { "image": "broken" } } }',
    );
    await run(["--timeout-ms", "1", "--no-rollback", broken]);
    const locked = await run([small()]);
    fake.cluster.looksPerDeployment = 1;
    const forced = await run(["--force", small()]);

    assert.equal(locked.code, 3);
    assert.match(locked.stderr, /^another deployment \(.*\) is in progress/);
    assert.equal(forced.code, 0, forced.stderr);
  });

  const bad: readonly (readonly [string, () => readonly string[], Record<string, string>, RegExp])[] = [
    [
      "a setting that is missing",
      () => [],
      { SINK: "" },
      /^SINK is needed in the environment: where rows end/,
    ],
    ["a file that is not there", () => ["none.json"], {}, /^none\.json: cannot be read: /],
    ["a file that is no JSON", () => [fileOf("bad.json", "{")], {}, /bad\.json: is no JSON: /],
    [
      "a field that is mistyped",
      () => [fileOf("bad.json", '{"id":"/a","cmd":"b","cpu":1}')],
      {},
      /bad\.json: .*cpu/,
    ],
    ["an option that is mistyped", () => ["--froce"], {}, /^unknown option '--froce'/],
    [
      "a time that is none",
      () => ["--timeout-ms", "5m"],
      {},
      /^--timeout-ms="5m": must be a whole number from 1/,
    ],
    [
      "an address that is none",
      () => ["--marathon-url", "marathon:8080"],
      {},
      /^MARATHON_URL="marathon:8080": must/,
    ],
    [
      "half of the credentials",
      () => [],
      { MARATHON_USER: "deployer" },
      /^MARATHON_USER and MARATHON_PASSWORD: must/,
    ],
    [
      "two kinds of credentials",
      () => [],
      { MARATHON_USER: "a", MARATHON_PASSWORD: "b", MARATHON_TOKEN: "c" },
      /^MARATHON_TOKEN: must not be given beside/,
    ],
  ];
  for (const [what, args, env, said] of bad) {
    it(`exits with 2 and a sentence for ${what}`, async () => {
      const { code, stderr } = await run(args(), env);

      assert.equal(code, 2);
      assert.match(stderr, said);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(fake.requests.length, 0);
    });
  }

  it("exits with 2 and Marathon's own words when Marathon refuses the file", async () => {
    const details = [{ path: "/cmd", errors: ["is forbidden here"] }];
    fake.fail(/PUT/, { status: 422, text: JSON.stringify({ message: "Object is not valid", details }) });
    const { code, stderr } = await run([small()]);

    assert.equal(code, 2);
    assert.equal(
      stderr,
      "Marathon refuses to deploy /small: Object is not valid\n  /cmd: is forbidden here\n",
    );
  });

  it("exits with 4 when nobody answers, and when Marathon wants other credentials", async () => {
    const gone = await FakeMarathon.start();
    const { url } = gone;
    await gone.close();
    const nobody = await run([small()], { MARATHON_URL: url });
    fake.authorization = "token=right";
    const none = await run([small()]);
    const wrong = await run([small()], { MARATHON_TOKEN: "wrong-token" });
    fake.authorization = undefined;
    fake.fail(/PUT/, { status: 403, text: '{"message":"Not Authorized to perform this action!"}' });
    const forbidden = await run([small()]);

    assert.deepEqual([nobody.code, none.code, wrong.code, forbidden.code], [4, 4, 4, 4]);
    assert.match(
      nobody.stderr,
      /^no answer from Marathon at http:\/\/127\.0\.0\.1:\d+\/: connect ECONNREFUSED/,
    );
    assert.match(
      none.stderr,
      /^Marathon wants credentials: Invalid username or password\.; give MARATHON_USER/,
    );
    assert.match(wrong.stderr, /^Marathon refuses the credentials/);
    assert.match(forbidden.stderr, /^Marathon does not allow this user to deploy \/small/);
  });

  it("sends credentials of the environment, and shows them nowhere", async () => {
    fake.cluster.looksPerDeployment = 1;
    const basic = { MARATHON_USER: "deployer", MARATHON_PASSWORD: "secret-word" };
    const first = await run([], basic);
    const second = await run([], { MARATHON_TOKEN: "secret-token" });
    const inUrl = await run([], { MARATHON_URL: fake.url.replace("//", "//deployer:secret-word@") });
    const malformed = await run([], { MARATHON_URL: "deployer:secret-word@marathon" });
    const sent = new Set(fake.requests.map(({ authorization }) => authorization));

    assert.deepEqual(sent, new Set([`Basic ${btoa("deployer:secret-word")}`, "token=secret-token"]));
    assert.deepEqual([first.code, second.code, inUrl.code, malformed.code], [0, 0, 2, 2]);
    assert.match(inUrl.stderr, /^MARATHON_URL: must hold no name or password/);
    for (const { stdout, stderr } of [first, second, inUrl, malformed]) {
      assert.doesNotMatch(stdout + stderr, /secret|nats-password|ZGVwbG95/);
    }
  });

  it("explains every option and exit code", async () => {
    const { code, stdout } = await run(["--help"]);

    assert.equal(code, 0);
    for (const word of [
      "--print",
      "--dry-run",
      "--force",
      "--keep-instances",
      "--no-rollback",
      "--timeout-ms",
    ]) {
      assert.ok(stdout.includes(word), word);
    }
    for (const code of [0, 1, 2, 3, 4, 5, 6])
      assert.match(stdout, new RegExp(`^ {2}${String(code)} {2}\\S`, "m"));
  });
});
