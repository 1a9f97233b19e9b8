/**
 * The stand-in for Marathon that our tests trust, used by a client that others wrote for the real one: what it
 * deploys, reads, scales and rolls back there is what our own tools see, and it reads our group as we do.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { FakeMarathon } from "../support/fake-marathon.js";
import { runScript } from "../support/run-script.js";
import { tempFolder } from "../support/temp-folder.js";

/** The client library of the Python package index. */
const CLIENT = "marathon==0.13.0";
const PROGRAM = `
import json, sys
from marathon import MarathonClient
from marathon.exceptions import MarathonHttpError
from marathon.models import MarathonApp, MarathonGroup

client = MarathonClient(sys.argv[1], username="deployer", password="secret")
asked = json.load(sys.stdin)
app_id = "/data-crunch/crunch-engine"

def settle():
    for _ in range(20):
        if not client.list_deployments():
            return
    raise SystemExit("a deployment is never over")

group = MarathonGroup.from_json(asked)
engine = [app for app in group.apps if app.id == app_id][0]
assert engine.container.docker.image.endswith("/crunch-engine:7"), engine.container.docker.image
assert engine.health_checks[0].protocol == "MESOS_HTTP" and engine.readiness_checks[0].path == "/readyz"
assert engine.networks[0]["mode"] == "container/bridge" and engine.container.port_mappings[0].name == "http"

# Its own model of a group cannot be written as JSON again.
answer = client._do_request("PUT", "/v2/groups/data-crunch", data=json.dumps(asked))
first = answer.json()["version"]
deployment = client.list_deployments()[0]
assert deployment.affected_apps[0] == "/data-crunch/results-engine", deployment.affected_apps
assert deployment.current_actions[0].action == "StartApplication"
try:
    client.scale_app(app_id, instances=3)
    raise SystemExit("not locked")
except MarathonHttpError as error:
    assert error.status_code == 409, error
settle()
app = client.get_app(app_id, embed_tasks=True, embed_last_task_failure=True)
assert (app.instances, app.tasks_running, app.tasks_healthy) == (2, 2, 2), app
assert app.version_info.last_scaling_at is not None

client.scale_app(app_id, instances=5)
client.delete_deployment(client.list_deployments()[0].id)
settle()
assert client.get_app(app_id).instances == 2
client.scale_app(app_id, instances=5)
settle()
assert client.get_app(app_id).instances == 5
client.rollback_app(app_id, first)
settle()
assert client.get_app(app_id).instances == 2
client.update_app(app_id, MarathonApp(cpus=2))
settle()
app = client.get_app(app_id)
assert (app.cpus, app.mem) == (2, 1024), "a PUT is partial unless told"
print("ok")
`;

const folder = tempFolder();
const fake = await FakeMarathon.start();
try {
  const install = ["-m", "pip", "install", "--quiet", "--target", folder.path, CLIENT];
  if (spawnSync("python3", install, { stdio: "ignore", timeout: 120_000 }).status !== 0) {
    process.stdout.write(`skipped: ${CLIENT} cannot be installed with pip\n`);
  } else {
    await check();
    process.stdout.write("1 passed, 0 failed\n");
  }
} finally {
  await fake.close();
  folder.remove();
}

async function check(): Promise<void> {
  const env = { NATS_URL: "nats://nats:4222", SINK: "bigquery:project/crunch/results", IMAGE_TAG: "7" };
  const printed = await runScript("deploy-marathon/deploy.sh", ["--print"], env);
  assert.equal(printed.code, 0, printed.stderr);
  fake.authorization = `Basic ${btoa("deployer:secret")}`;
  const python = spawn("python3", ["-c", PROGRAM, fake.url], {
    env: { PATH: process.env.PATH ?? "", PYTHONPATH: folder.path },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let stdout = "";
  python.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  python.stdin.end(printed.stdout);
  const [code] = (await once(python, "close")) as [number | null];
  assert.deepEqual([code, stdout], [0, "ok\n"]);
}
