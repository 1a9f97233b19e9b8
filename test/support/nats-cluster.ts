/** Three nats-servers on this machine that form one JetStream cluster, each reachable by the others through proxies. */
import type { ClusterInfo, JetStreamManager } from "nats";
import { freePort } from "./free-port.js";
import { withClient } from "./nats-fixture.js";
import { NatsServer } from "./nats-server.js";
import { TcpProxy } from "./tcp-proxy.js";
import { until } from "./until.js";

const SIZE = 3;
const READY_MS = 60_000;

interface Member {
  readonly name: string;
  readonly server: NatsServer;
  /** What the other servers dial. */
  readonly routes: readonly TcpProxy[];
}

export class NatsCluster {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Resolves when all servers know each other and JetStream makes streams on all of them. */
  static async start(binary?: string): Promise<NatsCluster> {
    const numbers = Array.from({ length: SIZE }, (_, index) => index);
    const routePorts = await Promise.all(numbers.map(freePort));
    // One proxy for each pair and direction, so that all routes of one server can be cut.
    const proxies = await Promise.all(
      numbers.map((to) =>
        Promise.all(
          numbers.map(async (from) => (from === to ? undefined : TcpProxy.start(routePorts[to] ?? 0))),
        ),
      ),
    );
    const members = await Promise.all(
      numbers.map(async (index): Promise<Member> => {
        const name = `nats-${String(index + 1)}`;
        const others = numbers.filter((other) => other !== index);
        const dialled = others.map((other) => proxies[other]?.[index]).filter((proxy) => proxy !== undefined);
        const config = configOf(
          name,
          routePorts[index] ?? 0,
          dialled.map(({ port }) => port),
        );
        const server = await NatsServer.start({ config, ...(binary === undefined ? {} : { binary }) });
        const dialling = others
          .map((other) => proxies[index]?.[other])
          .filter((proxy) => proxy !== undefined);
        return { name, server, routes: [...dialled, ...dialling] };
      }),
    );
    const cluster = new NatsCluster(members);
    await until(() => cluster.#makesStreams(), READY_MS, "a JetStream that spreads over all servers");
    return cluster;
  }

  /** NATS_URL with all servers. */
  get url(): string {
    return this.#members.map(({ server }) => server.url).join(",");
  }

  get names(): readonly string[] {
    return this.#members.map(({ name }) => name);
  }

  get ports(): readonly number[] {
    return this.#members.map(({ server }) => server.port);
  }

  get folders(): readonly string[] {
    return this.#members.map(({ server }) => server.folder);
  }

  server(name: string): NatsServer {
    return this.#member(name).server;
  }

  /** The server that leads a stream; undefined while none does. */
  async leaderOf(stream: string): Promise<string | undefined> {
    const info = await this.#streamInfo(stream);
    return info?.cluster?.leader;
  }

  /** The others no longer hear from a server, while its clients still do. */
  cutOff(name: string): void {
    for (const route of this.#member(name).routes) route.blackhole();
  }

  rejoin(name: string): void {
    for (const route of this.#member(name).routes) {
      route.heal();
      // Links that lost bytes are dead; servers notice after minutes, and dial a reset one at once.
      route.cut();
    }
  }

  /** True if every one of the streams, and its durable if it has one, has a leader and only copies that are up to date. */
  async isCurrent(streams: ReadonlyMap<string, string | undefined>): Promise<boolean> {
    for (const [stream, durable] of streams) {
      if (!isWhole((await this.#streamInfo(stream))?.cluster)) return false;
      if (durable !== undefined && !isWhole(await this.#homeOf(stream, durable))) return false;
    }
    return true;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ server }) => server.stop()));
    await Promise.all(this.#members.flatMap(({ routes }) => routes.map((route) => route.close())));
  }

  #member(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`the cluster has no server ${name}`);
    return member;
  }

  /** A leader alone is not enough: it places a stream only on servers that it has heard of. */
  async #makesStreams(): Promise<boolean> {
    const name = "trial";
    try {
      return await withClient(this.url, async (nc) => {
        const jsm = await nc.jetstreamManager({ timeout: 2_000 });
        await jsm.streams.add({ name, subjects: [name], num_replicas: SIZE });
        return await jsm.streams.delete(name);
      });
    } catch {
      return false;
    }
  }

  #streamInfo(stream: string) {
    return this.#ask((jsm) => jsm.streams.info(stream));
  }

  async #homeOf(stream: string, durable: string): Promise<ClusterInfo | undefined> {
    return (await this.#ask((jsm) => jsm.consumers.info(stream, durable)))?.cluster;
  }

  /** What JetStream answers; undefined while it does not. */
  async #ask<T>(question: (jsm: JetStreamManager) => Promise<T>): Promise<T | undefined> {
    try {
      return await withClient(this.url, async (nc) =>
        question(await nc.jetstreamManager({ timeout: 2_000, checkAPI: false })),
      );
    } catch {
      return undefined;
    }
  }
}

function isWhole(home: ClusterInfo | undefined): boolean {
  const replicas = home?.replicas ?? [];
  const isLed = home?.leader !== undefined && home.leader !== "";
  return (
    isLed && replicas.length === SIZE - 1 && replicas.every(({ current, offline }) => current && !offline)
  );
}

/** Clients are not told of the other servers: they would go past the proxies that stand before them. */
function configOf(name: string, routePort: number, dialled: readonly number[]): string {
  const routes = dialled.map((port) => `"nats://127.0.0.1:${String(port)}"`).join(", ");
  return `server_name: ${name}
cluster {
  name: chaos
  listen: "127.0.0.1:${String(routePort)}"
  no_advertise: true
  routes: [${routes}]
}
`;
}
