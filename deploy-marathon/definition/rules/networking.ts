import type { Rule } from "./rule.js";
import { networkModeOf, portMappingsOf, portNamesOf } from "./rule.js";

/** Deprecated fields beside the ones that took their place, networks, ports. */
export const networkingRules: readonly Rule[] = [
  {
    name: "one-form-of-networks",
    check: ({ app }) =>
      app.networks !== undefined && app.container?.docker?.network !== undefined
        ? ["container.docker.network: must not stand beside networks, which takes its place"]
        : [],
  },
  {
    name: "one-form-of-fetch",
    check: ({ app }) =>
      (app.uris?.length ?? 0) > 0 && (app.fetch?.length ?? 0) > 0
        ? ["uris: must not stand beside fetch, which takes its place"]
        : [],
  },
  {
    name: "one-form-of-port-mappings",
    check: ({ app: { container } }) =>
      container?.portMappings !== undefined && container.docker?.portMappings !== undefined
        ? [
            "container.docker.portMappings: must not stand beside container.portMappings, which takes its place",
          ]
        : [],
  },
  {
    name: "ports-fit-network",
    check: ({ app }) => {
      const isHost = networkModeOf(app) === "host";
      if (isHost && portMappingsOf(app).length > 0) {
        return [
          "container.portMappings: needs a network; without one, and with host, ports are portDefinitions",
        ];
      }
      if (!isHost && (app.portDefinitions !== undefined || app.ports !== undefined)) {
        return [
          `portDefinitions: only with the network host; with ${networkModeOf(app)} they are container.portMappings`,
        ];
      }
      return [];
    },
  },
  {
    name: "one-kind-of-network",
    check: ({ app: { networks = [] } }) => {
      const modes = networks.map(({ mode }) => mode);
      return modes.length > 1 && modes.some((mode) => mode !== "container")
        ? [
            `networks: ${modes.join(", ")}: must be one host, one container/bridge, or any number of container`,
          ]
        : [];
    },
  },
  {
    name: "only-container-networks-have-names",
    check: ({ app: { networks = [] } }) =>
      networks
        .filter(({ mode, name }) => mode !== "container" && name !== undefined)
        .map(({ mode, name }) => `networks: name "${name ?? ""}": ${mode} has none`),
  },
  {
    name: "docker-has-one-container-network",
    check: ({ app: { networks = [], container } }) =>
      container?.type === "DOCKER" &&
      networks.length > 1 &&
      networks.every(({ mode }) => mode === "container")
        ? [`networks: ${String(networks.length)} of mode container: must be 1 for a container of type DOCKER`]
        : [],
  },
  {
    name: "port-names-are-unique",
    check: ({ app }) => {
      const names = portNamesOf(app).filter((name) => name !== undefined);
      const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
      return [...twice].map((name) => `port name "${name}": must be given once`);
    },
  },
];
