import type { App, PortMapping } from "../definition.js";

/** An app with its place in the file and in Marathon. */
export interface PlacedApp {
  readonly app: App;
  /** Absolute, such as `/data-crunch/crunch-engine`. */
  readonly id: string;
  /** Absolute id of the group that the file puts it into; undefined for an app on its own. */
  readonly groupId: string | undefined;
}

/** What Marathon, or an app that runs on it, needs to hold between fields. */
export interface Rule {
  /** kebab-case */
  readonly name: string;
  /** @returns one sentence for each problem, with the field, its value and what it must be */
  check(placed: PlacedApp): readonly string[];
}

export type NetworkMode = "host" | "container" | "container/bridge";

/** In the new form or the deprecated one; host where nothing is said, as in Marathon. */
export function networkModeOf({ networks = [], container }: App): NetworkMode {
  const [first] = networks;
  if (first !== undefined) return first.mode;
  switch (container?.docker?.network) {
    case "BRIDGE":
      return "container/bridge";
    case "USER":
      return "container";
    default:
      return "host";
  }
}

/** In the new form or the deprecated one. */
export function portMappingsOf({ container }: App): readonly PortMapping[] {
  return container?.portMappings ?? container?.docker?.portMappings ?? [];
}

/** Names of ports, undefined for a port without one, in the order that `portIndex` counts. */
export function portNamesOf(app: App): readonly (string | undefined)[] {
  if (networkModeOf(app) !== "host") return portMappingsOf(app).map(({ name }) => name);
  return app.portDefinitions?.map(({ name }) => name) ?? app.ports?.map(() => undefined) ?? [undefined];
}
