import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { readCrunchSettings, crunchSettings } from "../../../services/crunch-engine/config.js";
import { dataSettings, readDataSettings } from "../../../services/data-engine/config.js";
import { readResultsSettings, resultsSettings } from "../../../services/results-engine/config.js";
import type { Env } from "../../../services/shared/config.js";
import { checkFile } from "../../../deploy-marathon/definition/check.js";
import type { CheckedFile } from "../../../deploy-marathon/definition/check.js";
import type { App } from "../../../deploy-marathon/definition/definition.js";
import { fillIn } from "../../../deploy-marathon/definition/template.js";

const GIVEN = { IMAGE_TAG: "0.1.0", NATS_URL: "nats://nats:4222", SINK: "bigquery:project/crunch/results" };
const textOf = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
const fileOf = (name: string, env: Env = GIVEN): CheckedFile =>
  checkFile(fillIn(JSON.parse(textOf(`deploy-marathon/${name}`)), env), name);

const engines: Readonly<Record<string, { settings: object; read: (env: Env) => object }>> = {
  "results-engine": { settings: resultsSettings.shape, read: readResultsSettings },
  "crunch-engine": { settings: crunchSettings.shape, read: readCrunchSettings },
  "data-engine": { settings: dataSettings.shape, read: readDataSettings },
};
const group = fileOf("group.json");
const alone = fileOf("app.json");

function envOf(app: App): Record<string, string> {
  return Object.fromEntries(
    Object.entries(app.env ?? {}).map(([name, value]) => [name, typeof value === "string" ? value : ""]),
  );
}

describe("group.json", () => {
  it("starts the three engines against the stream: what reads before what writes", () => {
    assert.deepEqual(
      group.apps.map(({ id, app }) => [id, app.dependencies ?? []]),
      [
        ["/data-crunch/results-engine", []],
        ["/data-crunch/crunch-engine", ["/data-crunch/results-engine"]],
        ["/data-crunch/data-engine", ["/data-crunch/crunch-engine"]],
      ],
    );
  });

  it("runs the images that build-push makes, under the prefix and the tag that are given", () => {
    const { apps } = fileOf("group.json", {
      ...GIVEN,
      IMAGE_PREFIX: "registry.example.com/team",
      IMAGE_TAG: "7",
    });
    const images = apps.map(({ app }) => app.container?.docker?.image);

    assert.deepEqual(
      images,
      Object.keys(engines).map((role) => `registry.example.com/team/${role}:7`),
    );
    assert.equal(group.apps[0]?.app.container?.docker?.image, "data-crunch/results-engine:0.1.0");
    for (const role of Object.keys(engines)) {
      assert.match(textOf("build-push/Dockerfile"), new RegExp(`^FROM \\S+ AS ${role}$`, "m"));
    }
  });

  it("lets no two data-engines send the same records, and a restarted one go on where it was", () => {
    const data = group.apps.find(({ id }) => id.endsWith("/data-engine"))?.app;

    assert.equal(data?.labels?.MARATHON_SINGLE_INSTANCE_APP, "true");
    assert.equal(envOf(data).RUN_ID, "marathon");
  });

  it("lets no two results-engines share a DuckDB file, and pins it where it is told to", () => {
    const results = fileOf("group.json", { ...GIVEN, RESULTS_HOST: "agent-1" }).apps[0]?.app;

    assert.deepEqual(results?.upgradeStrategy, { minimumHealthCapacity: 0, maximumOverCapacity: 0 });
    assert.deepEqual(results.constraints, [["hostname", "LIKE", "agent-1"]]);
  });
});

describe("app.json", () => {
  it("is the crunch-engine of the group, on its own", () => {
    const engine = group.apps.find(({ id }) => id.endsWith("/crunch-engine"))?.app;

    assert.equal(alone.kind, "app");
    const own = { id: 0, instances: 0, dependencies: [] };
    assert.deepEqual({ ...alone.apps[0]?.app, ...own }, { ...engine, ...own });
  });
});

for (const { app, id } of [...group.apps, ...alone.apps]) {
  const role = /\/([a-z-]+):/.exec(app.container?.docker?.image ?? "")?.[1] ?? "";
  const { settings, read } = engines[role] ?? { settings: {}, read: () => ({}) };

  describe(id, () => {
    it("gives its engine only settings that it reads, and values that it takes", () => {
      assert.deepEqual(
        Object.keys(envOf(app)).filter((name) => !(name in settings)),
        [],
      );
      assert.doesNotThrow(() => read(envOf(app)));
    });

    it("is killed only after the time that it may take to drain", () => {
      const { DRAIN_MS: drainMs } = read(envOf(app)) as { DRAIN_MS: number };

      assert.ok((app.taskKillGracePeriodSeconds ?? 0) * 1_000 > drainMs);
    });

    it("is restarted when it is dead, not when NATS is away, and deployed when it is ready", () => {
      assert.deepEqual(
        app.healthChecks?.map(({ protocol, path }) => [protocol, path]),
        [["MESOS_HTTP", "/livez"]],
      );
      assert.deepEqual(
        app.readinessChecks?.map(({ path, portName }) => [path, portName]),
        [["/readyz", "http"]],
      );
      assert.match(textOf("build-push/Dockerfile"), /HTTP_PORT=9000/);
      assert.deepEqual(
        app.container?.portMappings?.map(({ containerPort, hostPort, name }) => [
          containerPort,
          hostPort,
          name,
        ]),
        [[9000, 0, "http"]],
      );
    });

    it("is confined as docker-compose.yml confines it", () => {
      const parameters = Object.fromEntries(
        (app.container?.docker?.parameters ?? []).map(({ key, value }) => [key, value]),
      );

      assert.equal(parameters["read-only"], "true");
      assert.equal(parameters["cap-drop"], "ALL");
      assert.equal(parameters["security-opt"], "no-new-privileges");
      assert.equal(parameters.tmpfs, "/tmp");
    });

    it("sees the folder of its own NATS user, and uses it when told to", () => {
      const secured = { NATS_NKEY_FILE: "/access/default.nk", NATS_TLS_CA_FILE: "/access/ca.pem" };
      const file = fileOf(alone.apps.some((placed) => placed.id === id) ? "app.json" : "group.json", {
        ...GIVEN,
        ...secured,
      });
      const filled = file.apps.find((placed) => placed.id === id)?.app;
      assert.ok(filled !== undefined);
      const { NATS_NKEY_FILE, NATS_TLS_CA_FILE } = read(envOf(filled)) as Partial<typeof secured>;

      assert.deepEqual({ NATS_NKEY_FILE, NATS_TLS_CA_FILE }, secured);
      assert.deepEqual(app.container?.volumes, [
        { containerPath: "/access", hostPath: `/etc/data-crunch/access/${role}`, mode: "RO" },
      ]);
      const unsecured = read(envOf(app)) as Partial<typeof secured>;
      assert.equal(unsecured.NATS_NKEY_FILE, undefined);
    });

    it("has memory for its threads' heaps", () => {
      const { THREADS: threads = 0, THREAD_MAX_MEMORY_MB: heapMb = 0 } = read(envOf(app)) as {
        THREADS?: number;
        THREAD_MAX_MEMORY_MB?: number;
      };

      assert.ok(app.mem >= threads * heapMb + 256);
      assert.ok(threads <= app.cpus);
    });
  });
}
