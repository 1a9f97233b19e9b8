/** Prometheus' own linter over `/metrics` of each running engine. */
import { spawnSync } from "node:child_process";
import { CrunchProcess } from "../support/engine-process.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const folder = tempFolder();
const nats = await NatsServer.start();
const env = { NATS_URL: nats.url, SOURCE: "synthetic:?rate=1000", SINK: "duckdb:check.duckdb" };
const engines = ["results", "engine", "data"].map((name) => new CrunchProcess([name], env, folder.path));
let failed = 0;
try {
  await Promise.all(engines.map((engine) => engine.started()));
  const [results] = engines;
  await until(async () => ((await results?.metric("results_rows_total")) ?? 0) > 0, 60_000, "the first row");
  for (const engine of engines) {
    const { service, httpPort } = await engine.started();
    const metrics = await (await fetch(`http://127.0.0.1:${String(httpPort)}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: metrics,
      encoding: "utf8",
    });
    process.stdout.write(
      `${String(service)}: ${status === 0 ? "ok" : `promtool says\n${stdout}${stderr}`}\n`,
    );
    if (status !== 0) failed += 1;
  }
} finally {
  for (const engine of engines) engine.kill("SIGTERM");
  await Promise.all(engines.map((engine) => engine.exited));
  await nats.stop();
  folder.remove();
}
process.stdout.write(`${String(engines.length - failed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
