// Smoke test of one image, from the inside: plain JavaScript, because an engine's image has node and no shell.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const HELP = `usage: ROLE=crunch-engine NATS_SERVER_BIN=PATH node ci/tasks/smoke.mjs

tools: \`crunch up\` takes 10,000 records from source to sink, each stored once.
An engine: it starts against a nats-server, \`crunch health\` says that it is ready, SIGTERM drains it.

From the environment:
  ROLE             data-engine, crunch-engine, results-engine or tools
  CRUNCH           the command (default: bin/crunch.js of this repository)
  NATS_SERVER_BIN  a nats-server

Exit codes: 0 it works, 1 it does not, 2 bad input.`;

const PORTS = { nats: 14222, http: 19000 };
const READY_WITHIN_MS = 30_000;
/** Above the engines' DRAIN_MS. */
const END_WITHIN_MS = 25_000;
const UP_WITHIN_MS = 120_000;

const engines = {
  "data-engine": ["data", "--source", "synthetic:?rate=1000"],
  "crunch-engine": ["engine"],
  "results-engine": ["results", "--sink", "duckdb:smoke.duckdb"],
};

if (process.argv.includes("--help")) {
  console.log(HELP);
  process.exit(0);
}
const role = process.env.ROLE ?? "";
if (role !== "tools" && !Object.hasOwn(engines, role)) {
  refuse(`ROLE="${role}": must be one of ${Object.keys(engines).join(", ")}, tools`);
}
if (!process.env.NATS_SERVER_BIN) refuse("NATS_SERVER_BIN is needed: the path of a nats-server");
const natsServer = resolve(process.env.NATS_SERVER_BIN);
const crunch = resolve(process.env.CRUNCH ?? join(import.meta.dirname, "../../bin/crunch.js"));

const folder = mkdtempSync(join(tmpdir(), "crunch-smoke-"));
const children = [];
try {
  if (role === "tools") await runUp();
  else await runEngine(engines[role]);
  console.log(`${role}: ok`);
} catch (thrown) {
  console.error(`${role}: ${thrown.message}`);
  process.exitCode = 1;
} finally {
  for (const { child } of children) child.kill("SIGKILL");
  await Promise.all(children.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
}

async function runUp() {
  const args = ["up", "--source", "synthetic:?count=10000", "--sink", "duckdb:up.duckdb"];
  await endsWell(start(process.execPath, [crunch, ...args], {}), UP_WITHIN_MS, "crunch up");
}

async function runEngine(args) {
  const listen = ["--addr=127.0.0.1", `--port=${String(PORTS.nats)}`];
  start(natsServer, ["--jetstream", `--store_dir=${folder}`, ...listen], {});
  const engine = start(process.execPath, [crunch, ...args], {
    NATS_URL: `nats://127.0.0.1:${String(PORTS.nats)}`,
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: String(PORTS.http),
  });
  const endMs = Date.now() + READY_WITHIN_MS;
  while (!isReady()) {
    if (engine.child.exitCode !== null) throw new Error(`exit ${engine.child.exitCode} before it was ready`);
    if (Date.now() > endMs) throw new Error(`not ready within ${READY_WITHIN_MS} ms`);
    await delay(200);
  }
  engine.child.kill("SIGTERM");
  await endsWell(engine, END_WITHIN_MS, "after SIGTERM");
}

function isReady() {
  const url = `http://127.0.0.1:${String(PORTS.http)}`;
  return spawnSync(process.execPath, [crunch, "health", "--url", url], { cwd: folder }).status === 0;
}

/** @returns the child, and a promise of its exit code, its signal or why it could not be started */
function start(command, args, settings) {
  const env = { ...process.env, NATS_SERVER_BIN: natsServer, ...settings };
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "inherit", "inherit"] });
  const ended = new Promise((resolveEnd) => {
    child.once("error", (error) => resolveEnd(`${command} cannot be started: ${error.message}`));
    child.once("exit", (code, signal) => resolveEnd(signal ?? code));
  });
  children.push({ child, ended });
  return { child, ended };
}

async function endsWell({ ended }, withinMs, what) {
  const late = delay(withinMs, `still running after ${withinMs} ms`, { ref: false });
  const how = await Promise.race([ended, late]);
  if (how !== 0) throw new Error(`${what}: ${typeof how === "number" ? `exit ${how}` : how}`);
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}
