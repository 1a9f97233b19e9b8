/**
 * The images and docker-compose.yml for real: 1,000,000 records, scaled to four crunch-engines, one of
 * them killed, every row stored once, every target of Prometheus up, every connection encrypted and of the user of
 * its service, which may do nothing else.
 *
 * Images other than the public ones come from NODE_IMAGE, DEBIAN_IMAGE, NATS_IMAGE, PROMETHEUS_IMAGE and
 * GRAFANA_IMAGE.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ComposeAccess } from "../support/compose-access.js";
import { ComposeProject, docker, findCompose, hasImage, lookAt } from "../support/compose-project.js";
import { readyMsOf } from "../support/compose-start.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const RECORDS = 1_000_000;
/** Slow enough that Prometheus sees all engines while records flow, fast enough for one core. */
const RECORDS_PER_SECOND = 12_500;
const ENGINES = 4;
/** The user of each service that stays connected. */
const USERS = ["data-engine", "crunch-engine", "results-engine", "console"] as const;
const MAX_READY_MS = 2_000;
/** Other work on the machine makes a start slower and none faster: the fastest tells about the image. */
const MAX_STARTS = 3;
const MAX_BYTES = { "crunch-engine": 15_000_000, "data-engine": 90_000_000, "results-engine": 90_000_000 };

interface Prometheus {
  readonly data: {
    readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[];
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly lastError?: string }[];
    }[];
  };
}

const file = parse(readFileSync("docker-compose.yml", "utf8"), { merge: true }) as {
  services: Record<string, { image: string } | undefined>;
};
const passed: string[] = [];

const found = findCompose();
const missing = "problem" in found ? found.problem : missingImage();
if ("problem" in found || missing !== undefined) {
  process.stdout.write(`skipped: ${String(missing)}\n`);
} else {
  await check(found.command);
  process.stdout.write(`${String(passed.length)} passed, 0 failed\n`);
}

function missingImage(): string | undefined {
  const needed = [
    process.env.NODE_IMAGE ?? "node:24-bookworm-slim",
    process.env.DEBIAN_IMAGE ?? "debian:bookworm-slim",
    imageOf("nats"),
  ];
  const absent = needed.find((image) => !hasImage(image));
  return absent === undefined ? undefined : `the image ${absent} is neither here nor reachable`;
}

function imageOf(service: string): string {
  const given = process.env[`${service.toUpperCase()}_IMAGE`];
  return given ?? file.services[service]?.image ?? "";
}

async function check(command: readonly string[]): Promise<void> {
  const observers = ["prometheus", "grafana"].filter((service) => {
    const isHere = hasImage(imageOf(service));
    if (!isHere) process.stdout.write(`without ${service}: its image is neither here nor reachable\n`);
    return isHere;
  });
  const images = Object.fromEntries(["nats", ...observers].map((service) => [service, imageOf(service)]));
  const source = `synthetic:?count=${String(RECORDS)}&rate=${String(RECORDS_PER_SECOND)}`;
  const project = new ComposeProject(command, { SOURCE: source }, images);
  const folder = tempFolder();
  try {
    project.compose("--profile", "tools", "build");
    checkSizes();
    project.compose("up", "-d", "nats", ...Object.keys(MAX_BYTES), ...observers);
    done("docker-compose up");
    await checkReadyTime(project);
    project.compose("up", "-d", "--no-recreate", "console");
    const access = new ComposeAccess(project, join(folder.path, "access"));
    await checkUsers(project, access);
    await checkRefused(access);
    await checkScaledAndKilled(project, observers);
    checkSecrets(project, access);
    await checkAllStored(project);
    checkDrained(project);
  } catch (thrown) {
    process.stderr.write(project.compose("logs", "--no-color", "--tail", "20"));
    throw thrown;
  } finally {
    project.close();
    folder.remove();
  }
  done("docker-compose down");
}

async function checkUsers(project: ComposeProject, access: ComposeAccess): Promise<void> {
  const hostOf = (user: string): string => project.containers(user)[0]?.id.slice(0, 12) ?? "";
  const hosts = USERS.map((user) => [hostOf(user), user] as const);
  const areThere = async (): Promise<boolean> => {
    const looks = await access.connections();
    return hosts.every(([host]) => looks.some(({ name }) => name.startsWith(host)));
  };
  await until(areThere, 60_000, `connections of ${USERS.join(", ")}`);
  for (const { name, user, isEncrypted } of await access.connections()) {
    const expected = hosts.find(([host]) => name.startsWith(host))?.[1];
    assert.deepEqual([name, user, isEncrypted], [name, expected, true]);
  }
  done(`${USERS.join(", ")} are connected, each as its own user, encrypted`);
  const { status, stderr } = spawnSync(process.execPath, ["bin/crunch.js", "status"], {
    env: { ...process.env, ...access.env("status") },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  done("crunch status on this machine, with keys out of the volumes");
}

async function checkRefused(access: ComposeAccess): Promise<void> {
  const results = await access.connect("results-engine");
  await assert.rejects(
    results.jetstream().publish("data.frame"),
    /PERMISSIONS_VIOLATION|Permissions Violation/i,
  );
  await results.close();
  done("the key of results-engine cannot publish records");
  await assert.rejects(access.connect(undefined), /AUTHORIZATION_VIOLATION|Authorization Violation/i);
  done("a connection without a key is refused");
}

/** @throws AssertionError when a key is in an image, an environment, a command line or a log */
function checkSecrets(project: ComposeProject, access: ComposeAccess): void {
  const secrets = access.secrets();
  const services = ["access", "nats", "streams", ...USERS];
  const containers = services.flatMap((service) => project.containers(service));
  for (const { id, isRunning } of containers) {
    const argv = isRunning ? docker("top", id, "-eo", "pid,args") : "";
    const seen = [docker("inspect", id), docker("logs", id), argv].join("\n");
    assert.ok(!secrets.some((secret) => seen.includes(secret)), `a key is shown by ${id}`);
  }
  for (const role of [...Object.keys(MAX_BYTES), "tools"]) {
    const history = docker("history", "--no-trunc", `data-crunch/${role}:check`);
    assert.ok(!secrets.some((secret) => history.includes(secret)), `a key is in the history of ${role}`);
    const id = docker("create", `data-crunch/${role}:check`).trim();
    const { stdout } = spawnSync("bash", ["-c", `docker export ${id} | tar -t`], {
      encoding: "utf8",
      maxBuffer: 1e8,
    });
    docker("rm", id);
    const files = stdout
      .split("\n")
      .filter((path) => /^(access|nats)\/.*[^/]$/.test(path) || /\.(nk|key|creds)$/.test(path));
    assert.ok(stdout.includes("app/bin/crunch.js"));
    assert.deepEqual(files, [], `keys in the image ${role}`);
  }
  const mounted = project
    .containers("crunch-engine")
    .map(({ id }) =>
      docker("inspect", "--format", "{{range .Mounts}}{{.Destination}} {{.Name}} {{.RW}};{{end}}", id),
    );
  for (const mounts of mounted)
    assert.match(mounts, new RegExp(`/access ${project.name}_access-crunch-engine false;`));
  done("no key in images, environments, command lines and logs; each engine sees its own");
}

/** The lowest layer is the node binary with the libraries of the base that it needs. */
function checkSizes(): void {
  for (const [role, maxBytes] of Object.entries(MAX_BYTES)) {
    const sizes = docker("history", "--human=false", "--format", "{{.Size}}", `data-crunch/${role}:check`);
    const layers = sizes
      .trim()
      .split("\n")
      .map(Number)
      .filter((bytes) => bytes > 0);
    const bytes = layers.slice(0, -1).reduce((sum, each) => sum + each, 0);
    assert.ok(bytes <= maxBytes, `${role}: ${String(bytes)} bytes above base and node`);
    done(`${role}: ${megabytes(bytes)} above base and node, ${megabytes(layers.at(-1) ?? 0)} for these`);
  }
}

async function checkReadyTime(project: ComposeProject): Promise<void> {
  const times: number[] = [];
  while (times.length < MAX_STARTS && times.every((readyMs) => readyMs >= MAX_READY_MS)) {
    times.push(await readyMsOf(project));
  }
  const text = `ready ${times.join(" ms, ")} ms after its container started`;
  assert.ok((times.at(-1) ?? Infinity) < MAX_READY_MS, text);
  done(`a crunch-engine is ${text}`);
}

async function checkScaledAndKilled(project: ComposeProject, observers: readonly string[]): Promise<void> {
  const scale = `crunch-engine=${String(ENGINES)}`;
  project.compose("up", "-d", "--no-recreate", "--scale", scale, "crunch-engine");
  const engines = project.containers("crunch-engine");
  assert.equal(engines.length, ENGINES);
  done(`scaled to ${String(ENGINES)} crunch-engines`);
  if (observers.includes("prometheus")) await checkPrometheus(project);
  const [killed] = engines;
  docker("kill", killed?.id ?? "");
  done("killed one crunch-engine");
}

async function checkPrometheus(project: ComposeProject): Promise<void> {
  const address = project.compose("port", "prometheus", "9090").trim();
  const ask = async (path: string): Promise<Prometheus["data"]> =>
    ((await (await fetch(`http://${address}${path}`)).json()) as Prometheus).data;
  const services = ["data-engine", "crunch-engine", "results-engine"];
  const engines = services.flatMap((service) => project.containers(service).map(({ ip }) => ip));
  const areUp = async (): Promise<boolean> => {
    const { activeTargets } = await ask("/api/v1/targets").catch(() => ({ activeTargets: [] }));
    const up = activeTargets.filter(({ health }) => health === "up");
    const hosts = up.map(({ scrapeUrl }) => new URL(scrapeUrl).hostname);
    return up.length === activeTargets.length && engines.every((ip) => hosts.includes(ip));
  };
  await until(areUp, 60_000, "every target of Prometheus up");
  done(`every target of Prometheus is up, among them ${String(engines.length)} engines`);
  const { groups } = await ask("/api/v1/rules");
  const rules = groups.flatMap((group) => group.rules);
  const wrong = rules.filter(({ lastError = "" }) => lastError !== "");
  assert.deepEqual(wrong, [], "rules in error");
  done(`${String(rules.length)} rules, none in error`);
}

async function checkAllStored(project: ComposeProject): Promise<void> {
  const [data] = project.containers("data-engine");
  await until(() => !lookAt(data?.id ?? "").isRunning, 300_000, "the end of the source");
  assert.equal(lookAt(data?.id ?? "").exitCode, 0);
  const stored = (): boolean => {
    const { outstanding } = JSON.parse(project.tools("crunch", "status", "--json")) as {
      outstanding: number;
    };
    return outstanding === 0;
  };
  await until(stored, 120_000, "outstanding = 0");
  const ledger = JSON.parse(project.tools("crunch", "status", "--json")) as Record<string, unknown>;
  const { published, stored: rows, repeats, parked, unaccounted } = ledger;
  assert.deepEqual(
    { published, rows, repeats, parked, unaccounted },
    { published: RECORDS, rows: RECORDS, repeats: 0, parked: 0, unaccounted: 0 },
  );
  project.compose("stop", "results-engine");
  const sql = "select count(*) || '/' || count(distinct ID) as answer from results";
  const answer = project.tools("node", "/app/dist/examples/sql.js", "crunch.duckdb", sql);
  assert.ok(answer.includes(`${String(RECORDS)}/${String(RECORDS)}`), answer);
  done(`${String(RECORDS)} records stored once`);
}

function checkDrained(project: ComposeProject): void {
  project.compose("stop");
  const exits = ["crunch-engine", "results-engine"].flatMap((service) =>
    project.containers(service).map(({ exitCode }) => exitCode),
  );
  // 137: killed by SIGKILL, as one was.
  assert.deepEqual(
    exits.toSorted((left, right) => left - right),
    [0, 0, 0, 0, 137],
  );
  done("the others drained and exited with 0");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function done(what: string): void {
  passed.push(what);
  process.stdout.write(`${what}\n`);
}
