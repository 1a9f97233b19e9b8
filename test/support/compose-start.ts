/** How long a container of a running project takes to be ready. */
import assert from "node:assert/strict";
import { docker, lookAt } from "./compose-project.js";
import type { ComposeProject } from "./compose-project.js";
import { until } from "./until.js";

/** Milliseconds from the start of one more crunch-engine to its being ready; then it is stopped. */
export async function readyMsOf({ name }: ComposeProject): Promise<number> {
  const user = [
    "NATS_URL=tls://nats:4222",
    "NATS_NKEY_FILE=/access/default.nk",
    "NATS_TLS_CA_FILE=/access/ca.pem",
  ];
  const settings = [
    ...["--network", `${name}_default`, "--volume", `${name}_access-crunch-engine:/access:ro`],
    ...user.flatMap((setting) => ["--env", setting]),
  ];
  const id = docker("run", "-d", "--read-only", ...settings, "data-crunch/crunch-engine:check").trim();
  try {
    const { ip, startedAtMs } = lookAt(id);
    await until(() => isReady(ip), 30_000, "/readyz of a new crunch-engine");
    const readyMs = Date.now() - startedAtMs;
    docker("stop", id);
    assert.equal(lookAt(id).exitCode, 0, "a crunch-engine that is PID 1 drains on SIGTERM");
    return readyMs;
  } finally {
    docker("rm", "--force", id);
  }
}

async function isReady(ip: string): Promise<boolean> {
  try {
    return (await fetch(`http://${ip}:9000/readyz`)).ok;
  } catch {
    return false;
  }
}
