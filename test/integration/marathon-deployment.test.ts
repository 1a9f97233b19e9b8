import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { checkFile } from "../../deploy-marathon/definition/check.js";
import { deploy } from "../../deploy-marathon/deploying/deployment.js";
import type { DeployOptions, DeployOutcome } from "../../deploy-marathon/deploying/deployment.js";
import { Marathon } from "../../deploy-marathon/api/marathon.js";
import { MarathonError } from "../../deploy-marathon/api/marathon-error.js";
import { FakeMarathon } from "../support/fake-marathon.js";
import { SteppingClock } from "../support/stepping-clock.js";

const OPTIONS: DeployOptions = { isForced: false, keepsInstances: false, rollsBack: true, timeoutMs: 60_000 };
const appOf = (image: string, more: object = {}): Record<string, unknown> => ({
  id: "/trial",
  container: { type: "DOCKER", docker: { image } },
  healthChecks: [{ protocol: "COMMAND", command: { value: "true" } }],
  ...more,
});
const groupOf = (image: string): object => ({
  id: "/trio",
  apps: [
    { ...appOf(image), id: "/trio/writer", dependencies: ["/trio/reader"] },
    { ...appOf("reader:1"), id: "/trio/reader" },
  ],
});

describe("deploy", () => {
  let fake: FakeMarathon;
  let clock: SteppingClock;
  let said: string[];
  const stop = { signal: new AbortController().signal };

  beforeEach(async () => {
    fake = await FakeMarathon.start();
    clock = new SteppingClock();
    said = [];
    stop.signal = new AbortController().signal;
  });
  afterEach(() => fake.close());

  const run = (
    json: object,
    options: Partial<DeployOptions> = {},
    answerMs?: number,
  ): Promise<DeployOutcome> =>
    deploy(
      checkFile(json, "trial.json"),
      { ...OPTIONS, ...options },
      {
        marathon: new Marathon({ url: new URL(fake.url), authorization: undefined }, answerMs),
        clock,
        say: (line) => said.push(line),
        signal: stop.signal,
      },
    );
  const imageOf = (id: string): unknown =>
    (fake.cluster.apps.get(id)?.container as { docker: { image: string } } | undefined)?.docker.image;
  const failsWith = async (running: Promise<unknown>, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(running, (thrown) => {
      assert.ok(thrown instanceof MarathonError);
      assert.equal(thrown.code, code);
      assert.match(thrown.message, message);
      return true;
    });
  };

  it("starts a group, what is needed first comes first, and tells each step once", async () => {
    fake.cluster.looksPerDeployment = 6;

    assert.equal(await run(groupOf("writer:1")), "deployed");
    assert.deepEqual(
      said.filter((line) => line.startsWith("  step")),
      ["  step 1 of 2: StartApplication /trio/reader", "  step 2 of 2: StartApplication /trio/writer"],
    );
    assert.match(said.at(-1) ?? "", /^\/trio: deployed, every instance is well$/);
  });

  it("makes an app what the file says: what is no longer in it is gone", async () => {
    await run(appOf("image:1", { labels: { owner: "somebody" } }));

    assert.equal(await run(appOf("image:2")), "deployed");
    assert.equal(imageOf("/trial"), "image:2");
    assert.equal(fake.cluster.apps.get("/trial")?.labels, undefined);
  });

  it("is content when nothing changes", async () => {
    await run(appOf("image:1"));

    assert.equal(await run(appOf("image:1")), "deployed");
  });

  it("leaves a deployment that is in progress alone, and names it", async () => {
    fake.cluster.brokenImages.add("image:1");
    assert.equal(await run(appOf("image:1"), { rollsBack: false }), "failed");
    const id = fake.cluster.deployments[0]?.id ?? "none";

    await failsWith(run(appOf("image:2")), "locked", new RegExp(`\\(${id}\\) is in progress.*--force`));
    assert.equal(imageOf("/trial"), "image:1");
    assert.equal(await run(appOf("image:2"), { isForced: true }), "deployed");
    assert.equal(imageOf("/trial"), "image:2");
  });

  it("says what Marathon has against a file, in Marathon's words", async () => {
    const details = [
      { path: "/container/docker/image", errors: ["must not be empty", "must be known"] },
      { path: "", errors: ["AppDefinition is odd"] },
    ];
    fake.fail(/PUT/, { status: 422, text: JSON.stringify({ message: "Object is not valid", details }) });

    await failsWith(
      run(appOf("image:1")),
      "invalid",
      /^Marathon refuses to deploy \/trial: Object is not valid\n {2}\/container\/docker\/image: must not be empty\n {2}\/container\/docker\/image: must be known\n {2}AppDefinition is odd$/,
    );
  });

  it("ends a deployment that is not done in time, says what failed, and what was before runs again", async () => {
    await run(groupOf("writer:1"));
    fake.cluster.brokenImages.add("writer:2");

    assert.equal(await run(groupOf("writer:2")), "rolled-back");
    assert.equal(imageOf("/trio/writer"), "writer:1");
    assert.match(said.join("\n"), /\/trio: not done within 60000 ms/);
    assert.match(
      said.join("\n"),
      /\/trio\/writer failed at .* on agent-1 \(TASK_FAILED\): Container exited with status 2/,
    );
    assert.match(fake.changes.at(-1)?.path ?? "", /^\/v2\/deployments\//);
  });

  it("goes back to the version from before when the deployment is over and an app is not healthy", async () => {
    await run(groupOf("writer:1"));
    fake.cluster.sickImages.add("writer:2");

    assert.equal(await run(groupOf("writer:2")), "rolled-back");
    assert.equal(imageOf("/trio/writer"), "writer:1");
    assert.match(said.join("\n"), /\/trio\/writer has 0 of 1 instances healthy, 1 unhealthy/);
    assert.match(said.at(-1) ?? "", /version .* runs again/);
  });

  it("waits for an app that gets healthy a moment after its deployment", async () => {
    fake.cluster.sickImages.add("image:1");
    clock.onWait = (count) => {
      if (count === 5) fake.cluster.sickImages.clear();
    };

    assert.equal(await run(appOf("image:1")), "deployed");
  });

  it("removes what was not there before", async () => {
    fake.cluster.sickImages.add("image:1").add("writer:1");

    assert.equal(await run(appOf("image:1")), "rolled-back");
    assert.equal(await run(groupOf("writer:1")), "rolled-back");
    assert.equal(fake.cluster.apps.size, 0);
  });

  it("goes back by version when the deployment ends just before it is ended", async () => {
    await run(appOf("image:1"));
    fake.cluster.brokenImages.add("image:2");
    fake.fail(/DELETE \/v2\/deployments/, {
      status: 404,
      text: '{"message":"DeploymentPlan does not exist"}',
    });

    assert.equal(await run(appOf("image:2")), "rolled-back");
    assert.equal(imageOf("/trial"), "image:1");
  });

  it("says so when the way back fails too", async () => {
    await run(appOf("image:1"));
    fake.cluster.sickImages.add("image:2");
    clock.onWait = (count) => {
      if (count === 10) fake.fail(/PUT/, { status: 500, text: '{"message":"no leader"}' }, 9);
    };

    assert.equal(await run(appOf("image:2")), "stuck");
    assert.match(
      said.at(-1) ?? "",
      /cannot go back: Marathon answers 500 when asked to roll \/trial back: no leader/,
    );
  });

  it("leaves a failed deployment as it is when told to", async () => {
    await run(appOf("image:1"));
    fake.cluster.sickImages.add("image:2");

    assert.equal(await run(appOf("image:2"), { rollsBack: false }), "failed");
    assert.equal(imageOf("/trial"), "image:2");
  });

  it("does not undo what somebody else deployed in the meantime", async () => {
    fake.cluster.brokenImages.add("image:1").add("image:2");
    clock.onWait = (count) => {
      if (count !== 2) return;
      const app = { ...appOf("image:2"), id: "/trial", instances: 1, version: "" };
      fake.cluster.start(new Map([["/trial", app]]), fake.cluster.newVersion());
    };

    assert.equal(await run(appOf("image:1")), "failed");
    assert.equal(imageOf("/trial"), "image:2");
    assert.match(said.at(-1) ?? "", /a later deployment took its place/);
  });

  it("goes on waiting while Marathon is away", async () => {
    fake.fail(/GET \/v2\/deployments/, "breaks", 2);
    fake.fail(/GET \/v2\/deployments/, { status: 503, text: "<html>no leader</html>" }, 2);
    clock.onWait = (count) => {
      if (count === 4) fake.fail(/GET \/v2\/apps/, { status: 502, text: "" }, 2);
    };

    assert.equal(await run(appOf("image:1")), "deployed");
  });

  it("says that it does not know when the answer to its PUT is lost, and tries nothing else", async () => {
    fake.fail(/PUT/, "loses the answer");

    await failsWith(run(appOf("image:1")), "unreachable", /it may have started the deployment all the same/);
    assert.equal(fake.changes.length, 1);
  });

  it("does not wait for ever for an answer", async () => {
    fake.fail(/GET/, "is silent");

    const running = run(appOf("image:1"), {}, 2_000);
    await failsWith(running, "unreachable", /no answer from Marathon at .*: it took too long/);
  });

  it("knows an answer that is not Marathon's", async () => {
    fake.fail(/GET/, { status: 200, text: "<html>Welcome</html>" });

    await failsWith(run(appOf("image:1")), "unreachable", /answers, but not as Marathon does/);
    assert.equal(fake.changes.length, 0);
  });

  it("stops watching when told to, and changes nothing more", async () => {
    const controller = new AbortController();
    stop.signal = controller.signal;
    fake.cluster.brokenImages.add("image:1");
    clock.onWait = (count) => {
      if (count === 3) controller.abort();
    };

    assert.equal(await run(appOf("image:1")), "left");
    assert.match(said.at(-1) ?? "", /goes on in Marathon/);
    assert.equal(fake.changes.length, 1);
  });

  it("leaves the instances of what is scaled as they are, and starts what is new as the file says", async () => {
    await run(appOf("image:1", { instances: 2 }));
    await new Marathon({ url: new URL(fake.url), authorization: undefined }).scale("/trial", 7);
    fake.cluster.looksPerDeployment = 1;
    fake.cluster.lookAtDeployments();
    fake.cluster.lookAtDeployments();

    assert.equal(await run(appOf("image:2", { instances: 2 }), { keepsInstances: true }), "deployed");
    assert.equal(fake.cluster.apps.get("/trial")?.instances, 7);
    assert.equal(await run(appOf("image:2", { instances: 2 })), "deployed");
    assert.equal(fake.cluster.apps.get("/trial")?.instances, 2);
  });
});
