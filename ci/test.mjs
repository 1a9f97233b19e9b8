// All tests, in the order in which a mistake shows fastest: lint, proto freshness, then every suite.
// Arguments narrow the suites: `npm test -- test/unit` runs what lies below that folder.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** A file of tests that takes longer hangs; the longest takes a minute on two busy cores. */
const TEST_TIMEOUT_MS = 300_000;
const narrowed = process.argv.slice(2);

if (narrowed.length === 0) {
  step("lint", "npx", ["eslint", "."]);
  step("format", "npx", ["prettier", "--check", "--log-level=warn", "."]);
  step("proto lint", "npx", ["buf", "lint", "proto"]);
  checkGeneratedCode();
}

const folders = narrowed.length > 0 ? narrowed : ["test"];
const files = folders.flatMap((folder) => testFiles(join(root, "dist", folder))).sort();
const { natsServerBinary } = await import("../dist/services/local/nats-server-binary.js");
const env = { ...process.env, NATS_SERVER_BIN: await natsServerBinary(process.env) };
// One file per core at a time: the files start servers and threads of their own.
step(
  "tests",
  process.execPath,
  ["--test", "--test-concurrency=2", `--test-timeout=${TEST_TIMEOUT_MS}`, ...files],
  env,
);

function testFiles(path) {
  if (path.endsWith(".test.js")) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return testFiles(join(path, entry.name));
    return entry.name.endsWith(".test.js") ? [join(path, entry.name)] : [];
  });
}

/** What is committed under proto/gen must be what the proto files give. */
function checkGeneratedCode() {
  const fresh = mkdtempSync(join(tmpdir(), "crunch-gen-"));
  try {
    step("proto generate", "npx", [
      "buf",
      "generate",
      "proto",
      "--template",
      "proto/buf.gen.yaml",
      "-o",
      fresh,
    ]);
    const committed = readFileSync(join(root, "proto/gen/messages_pb.ts"), "utf8");
    if (readFileSync(join(fresh, "proto/gen/messages_pb.ts"), "utf8") === committed) return;
    console.error("proto/gen is stale: run `npm run proto` and commit what it changes.");
    process.exit(1);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function step(title, command, args, env = process.env) {
  const startedAtMs = Date.now();
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", env });
  if (error !== undefined) console.error(`${title}: ${command} cannot be started: ${error.message}`);
  if (status !== 0) {
    console.error(`${title}: failed${signal === null ? "" : ` by ${signal}`}`);
    process.exit(status ?? 1);
  }
  console.error(`${title}: ok (${((Date.now() - startedAtMs) / 1000).toFixed(1)} s)`);
}
