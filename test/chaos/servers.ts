/** The NATS of a run, and the faults of its servers. */
import { NatsCluster } from "../support/nats-cluster.js";
import { NatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";
import type { FaultKind } from "./plan.js";

/** One server or a cluster. */
export interface Servers {
  /** For the runner's own clients: straight to the servers. */
  readonly url: string;
  readonly ports: readonly number[];
  readonly replicas: number;
  /** Where each keeps its streams until {@link stop}. */
  readonly folders: readonly string[];
  /** @returns what heals the fault; it resolves when the servers are as before */
  begin(kind: FaultKind, victim: string): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** @param binary path of nats-server; without it the one that `crunch up` would take */
export async function loneServer(binary: string | undefined): Promise<Servers> {
  const server = await NatsServer.start(binary === undefined ? {} : { binary });
  return {
    url: server.url,
    ports: [server.port],
    replicas: 1,
    folders: [server.folder],
    begin: (kind) => beginServerFault(kind, server),
    stop: () => server.stop(),
  };
}

export async function beginServerFault(kind: FaultKind, server: NatsServer): Promise<() => Promise<void>> {
  switch (kind) {
    case "nats-sigkill":
      await server.kill();
      return () => server.restart();
    case "nats-sigterm":
      await server.terminate();
      return () => server.restart();
    case "nats-sigstop":
      server.pause();
      return () => {
        server.resume();
        return Promise.resolve();
      };
    default:
      throw new Error(`${kind} is no fault of one server`);
  }
}

/** Each with its durable. */
const STREAMS = new Map([
  ["DATA", "crunch"],
  ["RESULTS", "results"],
  ["PARKED", undefined],
  ["STATE", undefined],
]);
/** A server that was away has to hear of everything it missed before the next one may go. */
const CURRENT_MS = 60_000;

/** Three servers and three copies of each stream. A victim is a server or `leader of STREAM`. */
export async function serverCluster(binary: string | undefined): Promise<Servers> {
  const cluster = await NatsCluster.start(binary);
  const [anyServer = ""] = cluster.names;
  return {
    url: cluster.url,
    ports: cluster.ports,
    replicas: 3,
    folders: cluster.folders,
    begin: async (kind, victim) => {
      const stream = /^leader of (\w+)$/.exec(victim)?.[1];
      const name = stream === undefined ? victim : ((await cluster.leaderOf(stream)) ?? anyServer);
      const heal = await beginClusterFault(kind, name, cluster);
      return async () => {
        await heal();
        await until(
          () => cluster.isCurrent(STREAMS),
          CURRENT_MS,
          `every copy current after ${kind} of ${name}`,
        );
      };
    },
    stop: () => cluster.stop(),
  };
}

async function beginClusterFault(
  kind: FaultKind,
  name: string,
  cluster: NatsCluster,
): Promise<() => Promise<void>> {
  if (kind !== "nats-cut-off") return beginServerFault(kind, cluster.server(name));
  cluster.cutOff(name);
  return () => {
    cluster.rejoin(name);
    return Promise.resolve();
  };
}
