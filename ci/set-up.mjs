// Sets a clone up: dependencies as locked, sources compiled. Does only what is missing or stale.
// Plain JavaScript without imports from node_modules, because it runs before they are there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const MIN_NODE = [20, 19];
const SOURCES = [
  "services",
  "proto",
  "test",
  "examples",
  "deploy-marathon",
  "ci/build.mjs",
  "build-push/command-bundle.mjs",
  "tsconfig.json",
  "package-lock.json",
];

checkNodeVersion();
unlessFresh(join(root, "node_modules", ".set-up"), fingerprint(["package.json", "package-lock.json"]), () => {
  // Not `npm ci`: it refuses a lock file that lacks the native packages of other platforms.
  // The versions are the locked ones, and the lock file is left as it is.
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
});
unlessFresh(join(root, "dist", ".set-up"), fingerprint(SOURCES), () => {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  run(process.execPath, [join("ci", "build.mjs")]);
});

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  console.error(`Node ${process.versions.node} is too old: ${MIN_NODE.join(".")} or newer is needed.`);
  process.exit(2);
}

/** Runs `make` and leaves `stamp`, unless the stamp already says so. */
function unlessFresh(stamp, print, make) {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === print) return;
  make();
  writeFileSync(stamp, print);
}

function fingerprint(names) {
  const hash = createHash("sha256").update(process.versions.node.split(".")[0]);
  for (const name of names) addPath(hash, join(root, name));
  return hash.digest("hex");
}

function addPath(hash, path) {
  if (!statSync(path).isDirectory()) {
    hash.update(path.slice(root.length)).update(readFileSync(path));
    return;
  }
  for (const name of readdirSync(path).sort()) addPath(hash, join(path, name));
}

function run(command, args) {
  console.error(`> ${[command === process.execPath ? "node" : command, ...args].join(" ")}`);
  // A caller's NODE_ENV=production must not leave out the compiler.
  const env = { ...process.env, NODE_ENV: "development" };
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], env });
  if (error !== undefined) console.error(`${command} cannot be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
