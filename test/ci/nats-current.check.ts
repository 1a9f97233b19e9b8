/** The current nats-server, built from source: the messaging contract and permissions, then chaos with one server and with a cluster. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runSuite } from "../support/chaos-suite.js";
import { tempFolder } from "../support/temp-folder.js";

const VERSION = "v2.14.5";
/** Where Go's own installer puts it. */
const GO_FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/local/go/bin"];
const root = fileURLToPath(new URL("../../../", import.meta.url));

const go = GO_FOLDERS.map((folder) => join(folder, "go")).find(existsSync);
if (go === undefined) {
  // Debian's is too old to build it.
  process.stdout.write(`skipped: nats-server ${VERSION} is built with Go 1.24 or newer from go.dev\n`);
  process.exit(0);
}
const folder = tempFolder();
try {
  const built = spawnSync(go, ["install", `github.com/nats-io/nats-server/v2@${VERSION}`], {
    env: { ...process.env, GOBIN: folder.path, GOTOOLCHAIN: "auto" },
    cwd: folder.path,
    encoding: "utf8",
  });
  assert.equal(built.status, 0, built.stderr);
  const binary = join(folder.path, "nats-server");
  const contract = spawnSync(
    process.execPath,
    [
      "ci/test.mjs",
      ...["nats-messaging", "nats-faults", "nats-permissions", "nats-tls", "least-privilege"].map(
        (name) => `test/integration/${name}.test.js`,
      ),
    ],
    { cwd: root, env: { ...process.env, NATS_SERVER_BIN: binary }, encoding: "utf8" },
  );
  assert.equal(contract.status, 0, contract.stdout);
  process.stdout.write(
    `the messaging contract and the permissions of users hold with nats-server ${VERSION}\n`,
  );
  const server = ["--nats-server", binary];
  runSuite(`with nats-server ${VERSION}`, [...server, "--minutes", "1", "--seed", "104"]);
  runSuite(`with a cluster of nats-server ${VERSION}`, [
    ...server,
    "--minutes",
    "2",
    "--seed",
    "105",
    "--cluster",
  ]);
  process.stdout.write("3 passed, 0 failed\n");
} finally {
  folder.remove();
}
