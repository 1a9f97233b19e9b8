/**
 * The scripts of the Concourse tasks, run as a person would; the pipeline before others' eyes: the models of ol-concourse,
 * and `fly validate-pipeline --strict` where fly is installed.
 *
 * `npm test` checks the pipeline itself: test/unit/ci.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { natsServerBinary } from "../../services/local/nats-server-binary.js";
import { messageOf } from "../../services/shared/errors.js";
import { tempFolder } from "../support/temp-folder.js";

const ROLES = ["tools", "data-engine", "crunch-engine", "results-engine"];
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const RUN_TIMEOUT_MS = 300_000;
/** Another program's models of a pipeline: every key and its type. */
const MODELS = "ol-concourse==0.5.3";
const READ_BY_MODELS = `
import sys, yaml
from ol_concourse.lib.models.pipeline import Pipeline
Pipeline.model_validate(yaml.safe_load(sys.stdin))
`;

const folder = tempFolder();
const app = join(folder.path, "app");
let passed = 0;
let failed = 0;
/** What the last program said, for a check that fails. */
let lastSaid = "";

try {
  checkFly();
  checkModels();
  checkVersion();
  const natsServer = await natsServerBinary(process.env);
  checkDeploy();
  makeApp();
  for (const role of ROLES) {
    check(`the smoke test of ${role}`, () => {
      assert.equal(smoke({ ROLE: role, NATS_SERVER_BIN: natsServer }).status, 0);
    });
  }
  check("the smoke test fails where nothing works", () => {
    const env = { ROLE: "crunch-engine", NATS_SERVER_BIN: natsServer, CRUNCH: join(app, "nothing.js") };
    assert.equal(smoke(env).status, 1);
  });
  check("the smoke test refuses a role that is none", () => {
    assert.equal(smoke({ ROLE: "engine", NATS_SERVER_BIN: natsServer }).status, 2);
  });
} finally {
  folder.remove();
}
process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function checkFly(): void {
  if (run("fly", ["--version"]).status !== 0) {
    process.stdout.write("not run: fly validate-pipeline --strict, because fly is not installed\n");
    return;
  }
  const validate = (file: string): number | null =>
    run("fly", ["validate-pipeline", "--strict", "--config", file]).status;
  check("fly validate-pipeline --strict", () => {
    assert.equal(validate("ci/pipeline.yml"), 0);
  });
  check("fly refuses an unknown resource", () => {
    const planted = join(folder.path, "planted.yml");
    writeFileSync(
      planted,
      readFileSync("ci/pipeline.yml", "utf8").replace("get: nats-image", "get: nuts-image"),
    );
    assert.notEqual(validate(planted), 0);
  });
}

function checkModels(): void {
  const target = join(folder.path, "models");
  if (run("python3", ["-m", "pip", "install", "--quiet", "--target", target, MODELS]).status !== 0) {
    process.stdout.write(`not run: the models of ol-concourse, because pip cannot install ${MODELS}\n`);
    return;
  }
  const pipeline = readFileSync("ci/pipeline.yml", "utf8");
  const read = (text: string): number | null =>
    run("python3", ["-c", READ_BY_MODELS], { ...process.env, PYTHONPATH: target }, text).status;
  check("ol-concourse reads the pipeline", () => {
    assert.equal(read(pipeline), 0);
  });
  check("ol-concourse refuses an unknown key", () => {
    assert.equal(read(pipeline.replace("plan:", "plann:")), 1);
  });
}

/** In a tree without git, as Concourse has it: the commit is in .git/ref. */
function checkVersion(): void {
  const tree = join(folder.path, "tree");
  const out = join(folder.path, "version");
  mkdirSync(join(tree, ".git"), { recursive: true });
  mkdirSync(out);
  cpSync("ci", join(tree, "ci"), { recursive: true });
  cpSync("package.json", join(tree, "package.json"));
  const ref = (text: string): void => {
    writeFileSync(join(tree, ".git/ref"), text);
  };
  const version = (...args: string[]): ReturnType<typeof run> =>
    run(join(tree, "ci/tasks/version.sh"), args, { PATH: "/usr/bin:/bin" });

  check("version.sh names the commit that Concourse fetched", () => {
    ref(`${COMMIT}\n`);
    assert.equal(version(out).status, 0);
    const { version: product } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    const textOf = (name: string): string => readFileSync(join(out, name), "utf8");
    assert.equal(textOf("version"), `${product}-0123456\n`);
    assert.equal(textOf("tags"), textOf("version"));
    assert.match(
      textOf("build-args"),
      new RegExp(
        `^VERSION=${product}-0123456\nREVISION=${COMMIT}\nCREATED=\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z\n$`,
      ),
    );
  });
  check("version.sh refuses what is no commit, and no folder", () => {
    assert.equal(version(join(folder.path, "none")).status, 2);
    ref("v1.0\n");
    assert.equal(version(out).status, 2);
  });
}

/** Up to the point where Marathon would be asked. */
function checkDeploy(): void {
  const file = join(folder.path, "deployed-version");
  writeFileSync(file, "0.1.0-0123456\n");
  const { params } = parse(readFileSync("ci/tasks/deploy.yml", "utf8")) as {
    params: Record<string, string | null>;
  };
  const given = {
    IMAGE_PREFIX: "registry.example.com/team",
    NATS_URL: "nats://nats:4222",
    SINK: "duckdb:x.duckdb",
  };
  const empty = Object.fromEntries(Object.entries(params).filter(([, value]) => value === ""));
  const env = { PATH: process.env.PATH ?? "", ...empty, MARATHON_URL: "http://marathon:8080", ...given };

  check("deploy.sh names the images of the version", () => {
    assert.equal(run("ci/tasks/deploy.sh", [file, "--print"], env).status, 0);
    for (const role of ROLES.filter((each) => each !== "tools")) {
      assert.ok(lastSaid.includes(`${given.IMAGE_PREFIX}/${role}:0.1.0-0123456`), role);
    }
  });
  check("deploy.sh refuses a version that is not there, and a setting that is missing", () => {
    assert.equal(run("ci/tasks/deploy.sh", [join(folder.path, "none"), "--print"], env).status, 2);
    assert.equal(run("ci/tasks/deploy.sh", [file, "--print"], { ...env, SINK: "" }).status, 2);
  });
}

/** What the images hold of this repository: the bundle and DuckDB's native part. */
function makeApp(): void {
  assert.equal(run(process.execPath, ["build-push/bundle.mjs", app]).status, 0);
  const native = join(app, "node_modules/@duckdb");
  mkdirSync(native, { recursive: true });
  for (const name of readdirSync("node_modules/@duckdb").filter((each) => each.startsWith("node-bindings"))) {
    cpSync(join("node_modules/@duckdb", name), join(native, name), { recursive: true });
  }
}

function smoke(env: Readonly<Record<string, string>>): ReturnType<typeof run> {
  const settings = {
    PATH: process.env.PATH ?? "",
    HOME: folder.path,
    CRUNCH: join(app, "bin/crunch.js"),
    ...env,
  };
  return run(process.execPath, ["ci/tasks/smoke.mjs"], settings);
}

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  input = "",
): { status: number | null } {
  const options = { env, input, encoding: "utf8", timeout: RUN_TIMEOUT_MS } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  lastSaid = error?.message ?? `${stdout}${stderr}`;
  return { status };
}

function check(what: string, holds: () => void): void {
  try {
    holds();
    passed += 1;
    process.stdout.write(`${what}: ok\n`);
  } catch (thrown) {
    failed += 1;
    process.stdout.write(`${what}: ${messageOf(thrown)}\n${lastSaid.slice(-4_000)}\n`);
  }
}
