/**
 * Rules against their tests, and every expression of rules and dashboards against a real Prometheus that
 * scrapes a running pipeline.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { CrunchProcess } from "../support/engine-process.js";
import { freePort } from "../support/free-port.js";
import { NatsServer } from "../support/nats-server.js";
import { allExpressions, metricsIn, recordedNames } from "../support/promql.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const PROMETHEUS = "monitoring/prometheus";
/** Their series are there only after what they count has happened, or come from another exporter. */
const SOMETIMES = new Set([
  "data_bad_rows_total",
  "crunch_failed_records_total",
  "node_filesystem_avail_bytes",
  "node_filesystem_size_bytes",
]);
const ENV = { SOURCE: "synthetic:?rate=2000", CRUNCHER: "identity", SINK: "duckdb:check.duckdb" };

const folder = tempFolder();
const passed: string[] = [];
try {
  checkFiles();
  await checkLive();
} finally {
  folder.remove();
}
process.stdout.write(`${String(passed.length)} passed, 0 failed\n`);

function checkFiles(): void {
  promtool("check", "config", `${PROMETHEUS}/prometheus.yml`);
  done("prometheus.yml and its rules are valid");
  promtool("test", "rules", `${PROMETHEUS}/rules.test.yml`);
  done("each alert is raised by its trouble, and by nothing else");
  const copy = join(folder.path, "broken");
  cpSync(PROMETHEUS, copy, { recursive: true });
  const rules = readFileSync(join(copy, "rules.yml"), "utf8");
  writeFileSync(
    join(copy, "rules.yml"),
    rules.replace("max(crunch_unaccounted_records) > 0", "max(crunch_unaccounted_records) > 7"),
  );
  assert.throws(() => promtool("test", "rules", join(copy, "rules.test.yml")), /RecordsUnaccounted/);
  done("a rule that misses lost records fails its test");
}

async function checkLive(): Promise<void> {
  const nats = await NatsServer.start();
  const engines = ["data", "engine", "results"].map(
    (role) => new CrunchProcess([role], { ...ENV, NATS_URL: nats.url, HTTP_PORT: "0" }, folder.path),
  );
  try {
    const started = await Promise.all(engines.map((engine) => engine.started()));
    const targets = new Map(
      started.map(({ service, httpPort }) => [String(service), `127.0.0.1:${String(httpPort)}`]),
    );
    await withPrometheus(targets, (url) => checkExpressions(url, targets));
  } finally {
    for (const engine of engines) engine.kill("SIGTERM");
    await Promise.all(engines.map((engine) => engine.exited));
    await nats.stop();
  }
}

/** Runs Prometheus with our own configuration, but for where the engines are. */
async function withPrometheus(
  targets: ReadonlyMap<string, string>,
  body: (url: string) => Promise<void>,
): Promise<void> {
  const config = parse(readFileSync(`${PROMETHEUS}/prometheus.yml`, "utf8")) as {
    global: Record<string, string>;
    scrape_configs: { job_name: string }[];
  };
  const path = join(folder.path, "prometheus.yml");
  cpSync(`${PROMETHEUS}/rules.yml`, join(folder.path, "rules.yml"));
  const scrape_configs = config.scrape_configs.map(({ job_name }) => ({
    job_name,
    static_configs: [{ targets: [targets.get(job_name) ?? ""] }],
  }));
  const global = { scrape_interval: "1s", evaluation_interval: "1s" };
  writeFileSync(path, stringify({ ...config, global, scrape_configs }));
  const address = `127.0.0.1:${String(await freePort())}`;
  const prometheus = spawn(
    "prometheus",
    [`--config.file=${path}`, `--storage.tsdb.path=${folder.path}/tsdb`, `--web.listen-address=${address}`],
    { stdio: "ignore" },
  );
  try {
    await body(`http://${address}`);
  } finally {
    const exited = once(prometheus, "exit");
    prometheus.kill("SIGTERM");
    await exited;
  }
}

async function checkExpressions(url: string, targets: ReadonlyMap<string, string>): Promise<void> {
  const series = async (query: string): Promise<number> => {
    const reply = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    const { status, error, data } = (await reply.json()) as {
      status: string;
      error?: string;
      data?: { result: unknown[] };
    };
    if (status !== "success") throw new Error(`${query}: ${error ?? status}`);
    return data?.result.length ?? 0;
  };
  const areUp = async (): Promise<boolean> => (await series("up == 1").catch(() => 0)) === targets.size;
  await until(areUp, 60_000, "every engine up");
  done("every engine is up");

  const known = new Set(["up", ...SOMETIMES, ...recordedNames()]);
  for (const target of targets.values()) {
    const text = await (await fetch(`http://${target}/metrics`)).text();
    for (const [, name = "", kind] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      const parts = kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      for (const part of parts) known.add(name + part);
    }
  }
  const expressions = allExpressions();
  for (const { where, text } of expressions) {
    const unknown = metricsIn(text).filter((name) => !known.has(name));
    assert.deepEqual(unknown, [], `${where}: no engine has these`);
    await series(text);
  }
  done(`${String(expressions.length)} expressions of rules and dashboards read only what the engines show`);

  const shown = expressions.filter(
    ({ text, showsAlways }) => showsAlways && !metricsIn(text).some((name) => SOMETIMES.has(name)),
  );
  for (const { where, text } of shown) {
    await until(async () => (await series(text)) > 0, 60_000, `${where} shows something: ${text}`);
  }
  done(`${String(shown.length)} of them show something`);
}

/** @throws Error with what promtool says when it is not content */
function promtool(...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${stdout}${stderr}${error?.message ?? ""}`);
}

function done(what: string): void {
  passed.push(what);
  process.stdout.write(`${what}\n`);
}
