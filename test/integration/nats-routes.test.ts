/** Servers of one cluster, started with what `crunch nats-config` writes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { writeNatsConfig } from "../../services/nats-config/nats-config.js";
import { freePort } from "../support/free-port.js";
import { NatsServer } from "../support/nats-server.js";
import { tempFolder } from "../support/temp-folder.js";
import { until } from "../support/until.js";

const DEADLINE_MS = 60_000;

describe("cluster.conf of crunch nats-config", () => {
  const folder = tempFolder();
  const servers: NatsServer[] = [];
  let ports: readonly [number, number];

  before(async () => {
    await writeNatsConfig({
      out: folder.path,
      namespace: undefined,
      hosts: ["127.0.0.1"],
      renew: false,
      note: () => undefined,
    });
    ports = [await freePort(), await freePort()];
    for (const port of ports) servers.push(await start(port));
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  });

  const start = (port: number): Promise<NatsServer> =>
    NatsServer.start({
      jetStream: false,
      config: `include ${JSON.stringify(fromConfig(join(folder.path, "server", "cluster.conf")))}\nhttp: "127.0.0.1:-1"\n`,
      args: [
        "--cluster_name=crunch",
        `--cluster=nats://127.0.0.1:${String(port)}`,
        `--routes=${ports.map((each) => `nats://127.0.0.1:${String(each)}`).join(",")}`,
      ],
    });

  it("lets servers that have its certificate find each other", async () => {
    for (const server of servers) await until(() => hasRoute(server), DEADLINE_MS, "a route to the other");
  });

  it("takes no route without a certificate", async () => {
    const ca = readFileSync(join(folder.path, "server", "ca.pem"));
    const socket = connectTls({ port: ports[0], host: "127.0.0.1", ca });
    let heard = "";
    socket.on("data", (data: Buffer) => (heard += data.toString()));
    const [error] = (await once(socket, "error")) as [Error];

    assert.match(error.message, /certificate required|bad certificate/);
    assert.equal(heard, "");
  });
});

/** Servers read included files from the folder of their configuration on, which is one of the temporary ones. */
function fromConfig(path: string): string {
  return relative(join(tmpdir(), "server"), path);
}

async function hasRoute({ monitoringPort }: NatsServer): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${String(monitoringPort)}/routez`);
  const { num_routes: routes } = (await answer.json()) as { num_routes: number };
  return routes > 0;
}
