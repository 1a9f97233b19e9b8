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
import { ROLES } from "../../../services/shared/nats/roles.js";
import { streamsSettings } from "../../../services/streams/config.js";

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
  readonly volumes?: readonly string[];
}

const textOf = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
const { services, volumes } = parse(textOf("docker-compose.yml"), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Readonly<Record<string, unknown>>;
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

/** What Compose makes of `${NAME:-value}` and `${NAME-value}` when nothing is given. */
function withoutGiven(text: string | number): string {
  return String(text).replace(/\$\{\w+:?-([^}]*)\}/g, "$1");
}

/** Where a service has the key of its NATS user. */
const NATS_USER = {
  NATS_URL: "tls://nats:4222",
  NATS_NKEY_FILE: "/access/default.nk",
  NATS_TLS_CA_FILE: "/access/ca.pem",
};
/** The user of each service that connects to NATS. */
const users = {
  "data-engine": "data-engine",
  "crunch-engine": "crunch-engine",
  "results-engine": "results-engine",
  console: "console",
  streams: "operator",
  tools: "operator",
};

describe("docker-compose.yml", () => {
  it("has the services that are promised, and the others under a profile", () => {
    const names = Object.keys(services);
    const always = names.filter((name) => services[name]?.profiles === undefined);

    const watching = ["console", "prometheus", "grafana"];
    assert.deepEqual(always, ["access", "nats", "streams", ...Object.keys(engines), ...watching]);
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

      assert.deepEqual(withoutIds(read(given)), withoutIds(read(NATS_USER)));
    });

    it(`kills ${name} only after the time it may take to drain`, () => {
      const { DRAIN_MS: drainMs } = read({}) as { DRAIN_MS: number };
      const graceMs = Number.parseInt(serviceOf(name).stop_grace_period ?? "", 10) * 1_000;

      assert.ok(graceMs > drainMs);
    });

    it(`starts ${name} from its own image once NATS is healthy and its streams are made, under a name that can be scaled`, () => {
      const service = serviceOf(name);

      assert.equal(service.build?.target, name);
      assert.match(dockerfile, new RegExp(`^FROM \\S+ AS ${name}$`, "m"));
      assert.deepEqual(service.depends_on, {
        nats: { condition: "service_healthy" },
        streams: { condition: "service_completed_successfully" },
      });
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
    assert.deepEqual([natsUrl, port, host, token], ["tls://nats:4222", 8_088, "0.0.0.0", undefined]);
    assert.equal(image, serviceOf("crunch-engine").image, "the smallest image that has the command");
  });

  for (const [name, user] of Object.entries(users)) {
    it(`gives ${name} the key of the user ${user}, and no other`, () => {
      const service = serviceOf(name);
      const environment = Object.entries(service.environment ?? {}).map(
        ([setting, value]) => [setting, withoutGiven(value)] as const,
      );
      const mounts = (service.volumes ?? []).map(withoutGiven).filter((mount) => mount.includes("access"));

      assert.deepEqual(mounts, [`access-${user}:/access:ro`]);
      assert.deepEqual({ ...Object.fromEntries(environment), ...NATS_USER }, Object.fromEntries(environment));
    });
  }

  it("makes keys and certificates for every user and for the servers, in volumes that only those mount", () => {
    const owners = ["server", ...ROLES];
    const mountsOf = (name: string): string[] =>
      (serviceOf(name).volumes ?? []).map(withoutGiven).filter((mount) => mount.startsWith("access-"));

    assert.deepEqual(
      mountsOf("access").toSorted(),
      owners.map((owner) => `access-${owner}:/nats/${owner}`).toSorted(),
    );
    const named = Object.keys(volumes).filter((name) => name.startsWith("access-"));
    assert.deepEqual(named.toSorted(), owners.map((owner) => `access-${owner}`).toSorted());
    for (const owner of owners) assert.match(dockerfile, new RegExp(`/owned/nats/${owner}\\b`));
    for (const name of ["nats", "nats-1", "nats-2", "nats-3"]) {
      // An empty volume would take over whose the folder of the server's image is, were it copied.
      assert.deepEqual(mountsOf(name), ["access-server:/nats/server:ro,nocopy"]);
      assert.deepEqual(serviceOf(name).depends_on, {
        access: { condition: "service_completed_successfully" },
      });
    }
    const others = Object.keys(services).filter(
      (name) => !(name in users) && !name.startsWith("nats") && name !== "access",
    );
    assert.deepEqual(others.flatMap(mountsOf), []);
  });

  it("gives streams only settings that it reads", () => {
    assert.deepEqual(
      Object.keys(serviceOf("streams").environment ?? {}).filter((name) => !(name in streamsSettings.shape)),
      [],
    );
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
