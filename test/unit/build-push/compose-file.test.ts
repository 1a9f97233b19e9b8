import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { consoleSettings, readConsoleSettings } from "../../../services/console/config.js";
import { crunchSettings, readCrunchSettings } from "../../../services/crunch-engine/config.js";
import { dataSettings, readDataSettings } from "../../../services/data-engine/config.js";
import { checkServerVersion } from "../../../services/doctor/checks/server-version.js";
import { readResultsSettings, resultsSettings } from "../../../services/results-engine/config.js";
import type { Env } from "../../../services/shared/config.js";

interface Service {
  readonly image: string;
  readonly build?: { readonly target: string; readonly dockerfile: string };
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly container_name?: string;
}

const textOf = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
const { services } = parse(textOf("docker-compose.yml"), { merge: true }) as {
  services: Record<string, Service>;
};
const dockerfile = textOf("build-push/Dockerfile");

const engines: Readonly<Record<string, { settings: object; read: (env: Env) => object }>> = {
  "data-engine": { settings: dataSettings.shape, read: readDataSettings },
  "crunch-engine": { settings: crunchSettings.shape, read: readCrunchSettings },
  "results-engine": { settings: resultsSettings.shape, read: readResultsSettings },
};

function serviceOf(name: string): Service {
  const service = services[name];
  assert.ok(service !== undefined, `there is no service ${name}`);
  return service;
}

/** What Compose makes of `${NAME:-value}` when nothing is given. */
function withoutGiven(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}

describe("docker-compose.yml", () => {
  it("has the services that are promised, and the others under a profile", () => {
    const names = Object.keys(services);
    const always = names.filter((name) => services[name]?.profiles === undefined);

    assert.deepEqual(always, ["nats", ...Object.keys(engines), "console", "prometheus", "grafana"]);
    assert.deepEqual(
      names.filter((name) => !always.includes(name)).map((name) => [name, services[name]?.profiles?.[0]]),
      [
        ["tools", "tools"],
        ["bigquery", "bigquery"],
        ["nats-1", "cluster"],
        ["nats-2", "cluster"],
        ["nats-3", "cluster"],
      ],
    );
  });

  for (const [name, service] of Object.entries(services)) {
    it(`confines ${name}`, () => {
      assert.equal(service.read_only, true);
      assert.deepEqual(service.cap_drop, ["ALL"]);
      assert.deepEqual(service.security_opt, ["no-new-privileges:true"]);
      assert.match(service.mem_limit ?? "", /^\d+[mg]$/);
      assert.ok((service.pids_limit ?? 0) > 0);
      assert.match(service.stop_grace_period ?? "", /^\d+s$/);
    });

    it(`publishes ports of ${name} on loopback only`, () => {
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
    });
  }

  for (const [name, { settings, read }] of Object.entries(engines)) {
    const environment = serviceOf(name).environment ?? {};

    it(`gives ${name} only settings that it reads`, () => {
      assert.deepEqual(
        Object.keys(environment).filter((setting) => !(setting in settings)),
        [],
      );
    });

    it(`leaves the defaults of ${name} to its own settings`, () => {
      const given = Object.fromEntries(
        Object.entries(environment).map(([setting, value]) => [setting, withoutGiven(value)]),
      );

      assert.deepEqual(withoutIds(read(given)), withoutIds(read({ NATS_URL: "nats://nats:4222" })));
    });

    it(`kills ${name} only after the time it may take to drain`, () => {
      const { DRAIN_MS: drainMs } = read({}) as { DRAIN_MS: number };
      const graceMs = Number.parseInt(serviceOf(name).stop_grace_period ?? "", 10) * 1_000;

      assert.ok(graceMs > drainMs);
    });

    it(`starts ${name} from its own image once NATS is healthy, under a name that can be scaled`, () => {
      const service = serviceOf(name);

      assert.equal(service.build?.target, name);
      assert.match(dockerfile, new RegExp(`^FROM \\S+ AS ${name}$`, "m"));
      assert.deepEqual(service.depends_on, { nats: { condition: "service_healthy" } });
      assert.equal(service.container_name, undefined);
      assert.equal(service.ports, undefined);
    });
  }

  it("gives the console only settings that it reads, and no host of an engine's metrics", () => {
    const { environment = {}, image } = serviceOf("console");
    assert.deepEqual(
      Object.keys(environment).filter((setting) => !(setting in consoleSettings.shape)),
      [],
    );
    const given = Object.entries(environment).map(([name, value]) => [name, withoutGiven(value)]);
    const { natsUrl, port, host, token } = readConsoleSettings(Object.fromEntries(given) as Env);
    assert.deepEqual([natsUrl, port, host, token], ["nats://nats:4222", 8_088, "0.0.0.0", undefined]);
    assert.equal(image, serviceOf("crunch-engine").image, "the smallest image that has the command");
  });

  it("asks every service for its health: the engines by their images, the others here", () => {
    assert.match(dockerfile, /^HEALTHCHECK [^\n]*\n\s+CMD \[.*"health"\]$/m);
    for (const name of ["nats", "nats-1", "nats-2", "nats-3", "console", "prometheus", "grafana"]) {
      assert.equal(serviceOf(name).healthcheck?.test[0], "CMD", name);
    }
  });

  it("runs a NATS server of which nothing bad is known", () => {
    for (const name of ["nats", "nats-1", "nats-2", "nats-3"]) {
      const version = /^nats:([\d.]+)/.exec(serviceOf(name).image)?.[1] ?? "";
      assert.deepEqual(checkServerVersion(version, 3), []);
    }
  });
});

/** RUN_ID is random where none is given. */
function withoutIds(settings: object): object {
  return { ...settings, RUN_ID: undefined };
}
