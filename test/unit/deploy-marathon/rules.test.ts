import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFile, rules } from "../../../deploy-marathon/definition/check.js";
import { problemsOf } from "../../support/problems.js";

const HTTP = { containerPort: 9000, hostPort: 0, name: "http" };
const BRIDGE = [{ mode: "container/bridge" }];

const app = (more: object = {}): Record<string, unknown> => ({ id: "/trial", cmd: "true", ...more });
const docker = (more: object = {}, inner: object = {}): object => ({
  type: "DOCKER",
  docker: { image: "trial", ...inner },
  ...more,
});
const inBridge = (more: object = {}): Record<string, unknown> =>
  app({ container: docker({ portMappings: [HTTP] }), networks: BRIDGE, ...more });
const persistent = docker({ volumes: [{ containerPath: "rows", mode: "RW", persistent: { size: 10 } }] });

/** For each rule: apps that break it with what is said, and apps that come close and do not. */
const examples: Readonly<
  Record<string, { breaks: readonly (readonly [object, RegExp])[]; keeps: readonly object[] }>
> = {
  "one-form-of-networks": {
    breaks: [
      [
        app({ container: docker({}, { network: "BRIDGE" }), networks: BRIDGE }),
        /container\.docker\.network: must not stand beside networks/,
      ],
    ],
    keeps: [app({ container: docker({}, { network: "BRIDGE" }) })],
  },
  "one-form-of-fetch": {
    breaks: [
      [app({ uris: ["file:///a"], fetch: [{ uri: "file:///a" }] }), /uris: must not stand beside fetch/],
    ],
    keeps: [app({ uris: [], fetch: [{ uri: "file:///a" }] })],
  },
  "one-form-of-port-mappings": {
    breaks: [
      [
        app({ container: docker({ portMappings: [HTTP] }, { portMappings: [HTTP] }), networks: BRIDGE }),
        /container\.docker\.portMappings: must not stand beside/,
      ],
    ],
    keeps: [app({ container: docker({}, { portMappings: [HTTP], network: "BRIDGE" }) })],
  },
  "ports-fit-network": {
    breaks: [
      [app({ container: docker({ portMappings: [HTTP] }) }), /portMappings: needs a network/],
      [inBridge({ networks: [{ mode: "host" }] }), /portMappings: needs a network/],
      [inBridge({ portDefinitions: [{ port: 0 }] }), /portDefinitions: only with the network host/],
      [inBridge({ ports: [0] }), /portDefinitions: only with the network host/],
    ],
    keeps: [inBridge(), app({ portDefinitions: [{ port: 0 }] })],
  },
  "one-kind-of-network": {
    breaks: [
      [
        app({ networks: [{ mode: "host" }, { mode: "container", name: "a" }] }),
        /networks: host, container: must be/,
      ],
      [app({ networks: [...BRIDGE, ...BRIDGE] }), /networks: container\/bridge, container\/bridge: must be/],
    ],
    keeps: [app({ networks: [{ name: "a" }, { name: "b" }] })],
  },
  "only-container-networks-have-names": {
    breaks: [
      [app({ networks: [{ mode: "container/bridge", name: "a" }] }), /name "a": container\/bridge has none/],
      [app({ networks: [{ mode: "host", name: "a" }] }), /name "a": host has none/],
    ],
    keeps: [app({ networks: [{ mode: "container", name: "a" }] })],
  },
  "docker-has-one-container-network": {
    breaks: [
      [
        app({ container: docker(), networks: [{ name: "a" }, { name: "b" }] }),
        /networks: 2 of mode container: must be 1/,
      ],
    ],
    keeps: [app({ container: { type: "MESOS" }, networks: [{ name: "a" }, { name: "b" }] })],
  },
  "port-names-are-unique": {
    breaks: [
      [
        inBridge({ container: docker({ portMappings: [HTTP, HTTP] }) }),
        /port name "http": must be given once/,
      ],
      [app({ portDefinitions: [{ name: "a" }, { name: "a" }] }), /port name "a": must be given once/],
    ],
    keeps: [app({ portDefinitions: [{ port: 0 }, { port: 0 }] })],
  },
  "health-check-has-a-port": {
    breaks: [
      [inBridge({ healthChecks: [{ portIndex: 1 }] }), /portIndex 1: must be below 1, the number of ports/],
      [
        app({ portDefinitions: [], healthChecks: [{}] }),
        /portIndex or port is needed, because the app has 0 ports/,
      ],
      [
        inBridge({ healthChecks: [{ portIndex: 0, port: 9000 }] }),
        /port and portIndex: must not both be given/,
      ],
    ],
    keeps: [
      inBridge({ healthChecks: [{}] }),
      app({ healthChecks: [{ protocol: "COMMAND", command: { value: "true" }, portIndex: 7 }] }),
      app({ portDefinitions: [], healthChecks: [{ port: 9000 }] }),
    ],
  },
  "health-check-says-how": {
    breaks: [
      [app({ healthChecks: [{ protocol: "COMMAND" }] }), /command: goes with the protocol COMMAND/],
      [app({ healthChecks: [{ command: { value: "true" } }] }), /command: goes with .* it is HTTP/],
      [app({ healthChecks: [{ protocol: "MESOS_TCP", path: "/livez" }] }), /path "\/livez": only with HTTP/],
    ],
    keeps: [app({ healthChecks: [{ protocol: "MESOS_HTTP", path: "/livez" }] })],
  },
  "one-kind-of-health-check": {
    breaks: [
      [
        app({ healthChecks: [{ protocol: "MESOS_HTTP" }, { protocol: "MESOS_TCP" }] }),
        /2 of MESOS_\*: must be at most 1/,
      ],
      [
        app({ healthChecks: [{ protocol: "MESOS_HTTP" }, { protocol: "TCP" }] }),
        /TCP: must not stand beside/,
      ],
    ],
    keeps: [app({ healthChecks: [{ protocol: "HTTP" }, { protocol: "TCP" }] })],
  },
  "mesos-health-check-allows-a-failure": {
    breaks: [
      [
        app({ healthChecks: [{ protocol: "MESOS_HTTP", maxConsecutiveFailures: 0 }] }),
        /maxConsecutiveFailures 0: must be/,
      ],
    ],
    keeps: [app({ healthChecks: [{ protocol: "HTTP", maxConsecutiveFailures: 0 }] })],
  },
  "readiness-check-names-a-port": {
    breaks: [
      [inBridge({ readinessChecks: [{ portName: "web" }] }), /portName "web": must be the name of a port/],
      [inBridge({ readinessChecks: [{}] }), /portName "http-api": must be the name of a port/],
    ],
    keeps: [inBridge({ readinessChecks: [{ portName: "http" }] })],
  },
  "readiness-check-ends-before-the-next": {
    breaks: [
      [
        inBridge({ readinessChecks: [{ portName: "http", intervalSeconds: 5, timeoutSeconds: 5 }] }),
        /timeoutSeconds 5: must be below intervalSeconds 5/,
      ],
      [
        inBridge({ readinessChecks: [{ portName: "http", intervalSeconds: 5 }] }),
        /timeoutSeconds 10: must be below intervalSeconds 5/,
      ],
    ],
    keeps: [inBridge({ readinessChecks: [{ portName: "http", intervalSeconds: 5, timeoutSeconds: 4 }] })],
  },
  "one-command": {
    breaks: [
      [app({ args: ["true"] }), /args: must not stand beside cmd/],
      [{ id: "/trial" }, /cmd, args or container\.docker is needed/],
    ],
    keeps: [
      { id: "/trial", container: docker() },
      { id: "/trial", args: ["true"] },
    ],
  },
  "container-fits-its-type": {
    breaks: [
      [app({ container: { type: "DOCKER" } }), /container\.docker: is needed with type DOCKER/],
      [app({ container: docker({}, { pullConfig: { secret: "a" } }) }), /pullConfig: only with type MESOS/],
      [app({ container: docker(), gpus: 1 }), /gpus 1: only with type MESOS/],
    ],
    keeps: [app({ gpus: 1 }), app({ container: { type: "MESOS" } })],
  },
  "constraint-values": {
    breaks: [
      [app({ constraints: [["hostname", "UNIQUE", "a"]] }), /hostname UNIQUE a: UNIQUE takes no value/],
      [app({ constraints: [["rack", "MAX_PER"]] }), /rack MAX_PER: MAX_PER needs a whole number/],
      [
        app({ constraints: [["rack", "GROUP_BY", "two"]] }),
        /rack GROUP_BY two: GROUP_BY takes a whole number/,
      ],
      [app({ constraints: [["rack", "LIKE", "("]] }), /rack LIKE \(: LIKE needs a regular expression/],
      [app({ constraints: [["rack", "UNLIKE"]] }), /rack UNLIKE: UNLIKE needs a regular expression/],
      [app({ constraints: [["rack", "IS"]] }), /rack IS: IS needs a value/],
      [app({ constraints: [["rack", "CLUSTER", "a", "b"]] }), /must have at most one value/],
    ],
    keeps: [
      app({
        constraints: [
          ["hostname", "UNIQUE"],
          ["rack", "MAX_PER", "2"],
          ["rack", "GROUP_BY"],
          ["rack", "LIKE", "rack-[1-3]"],
          ["rack", "CLUSTER", "a"],
          ["rack", "IS", "a"],
        ],
      }),
    ],
  },
  "single-instance": {
    breaks: [
      [
        app({
          labels: { MARATHON_SINGLE_INSTANCE_APP: "true" },
          instances: 2,
          upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
        }),
        /instances 2: must be at most 1/,
      ],
      [app({ labels: { MARATHON_SINGLE_INSTANCE_APP: "true" } }), /upgradeStrategy: .* must be 0/],
    ],
    keeps: [
      app({ instances: 2, labels: { MARATHON_SINGLE_INSTANCE_APP: "false" } }),
      app({
        labels: { MARATHON_SINGLE_INSTANCE_APP: "true" },
        upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      }),
    ],
  },
  "persistent-volumes-are-not-doubled": {
    breaks: [
      [
        app({
          container: persistent,
          upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.25 },
        }),
        /maximumOverCapacity 0\.25: must be 0 with a persistent volume/,
      ],
    ],
    keeps: [
      app({ container: persistent }),
      app({ container: persistent, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } }),
    ],
  },
  "secrets-exist": {
    breaks: [
      [app({ env: { TOKEN: { secret: "token" } } }), /env\.TOKEN: secret "token": must be one of secrets/],
      [
        app({ container: docker({ volumes: [{ containerPath: "/key", secret: "key" }] }) }),
        /volumes \/key: secret "key": must be one of secrets/,
      ],
    ],
    keeps: [app({ env: { TOKEN: { secret: "token" } }, secrets: { token: { source: "/token" } } })],
  },
  "limits-reach-requests": {
    breaks: [
      [
        app({ cpus: 2, resourceLimits: { cpus: 1 } }),
        /resourceLimits\.cpus 1: must be at least cpus, which is 2/,
      ],
      [app({ resourceLimits: { mem: 64 } }), /resourceLimits\.mem 64: must be at least mem, which is 128/],
    ],
    keeps: [app({ mem: 64, resourceLimits: { mem: 64, cpus: "unlimited" } })],
  },
  "app-in-its-group": {
    breaks: [
      [
        { id: "/group", apps: [app({ id: "/other/trial" })] },
        /id "\/other\/trial": must be in its group, such as \/group\/trial/,
      ],
      [{ id: "/group", apps: [app({ id: "inner/trial" })] }, /must be in its group/],
    ],
    keeps: [
      { id: "/group", apps: [app({ id: "trial" }), app({ id: "/group/other" })] },
      { id: "/group", groups: [{ id: "inner", apps: [app({ id: "trial" })] }] },
    ],
  },
};

describe("rules of Marathon", () => {
  it("have an example each", () => {
    assert.deepEqual(
      rules.map(({ name }) => name),
      Object.keys(examples),
    );
  });

  for (const rule of rules) {
    const { breaks, keeps } = examples[rule.name] ?? { breaks: [], keeps: [] };

    it(`${rule.name} is broken by each of ${String(breaks.length)}, and by nothing else`, () => {
      for (const [json, said] of breaks) {
        const problems = problemsOf(() => checkFile(json, "trial.json"));
        assert.equal(problems.length, 1, problems.join("\n"));
        assert.match(problems[0] ?? "", said);
      }
      for (const json of keeps)
        assert.deepEqual(
          problemsOf(() => checkFile(json, "trial.json")),
          [],
        );
    });
  }
});
