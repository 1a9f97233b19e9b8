/** Requests whose connection breaks: their answer never comes, so nobody waits for it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { connect } from "nats";
import { Link } from "../../services/shared/nats/link.js";
import { NatsServer } from "../support/nats-server.js";
import { TcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

/** Longer than anything here takes: what ends sooner was not ended by the timeout. */
const TIMEOUT_MS = 60_000;

describe("requests of a link", () => {
  let nats: NatsServer;
  before(async () => (nats = await NatsServer.start()));
  after(() => nats.stop());

  async function openLink(t: TestContext, port: number): Promise<Link> {
    const nc = await connect({ port, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    const link = new Link(nc, await nc.jetstreamManager({ timeout: TIMEOUT_MS }), () => undefined);
    t.after(() => link.close());
    return link;
  }

  it("end with the connection they were sent over", async (t) => {
    const proxy = await TcpProxy.start(nats.port);
    t.after(() => proxy.close());
    const link = await openLink(t, proxy.port);
    proxy.blackhole();
    const asked = [link.jsm.streams.info("ANY"), link.nc.request("any", "", { timeout: TIMEOUT_MS })];
    proxy.cut();
    for (const one of asked) await assert.rejects(one, { code: "DISCONNECT", message: /connection broke/ });
  });

  it("end with the reconnect when they were made before it", async (t) => {
    const link = await openLink(t, nats.port);
    await nats.kill();
    await until(() => !link.isConnected, 60_000, "the disconnect");
    const asked = link.nc.request("any", "", { timeout: TIMEOUT_MS });
    const ended = assert.rejects(asked, { code: "DISCONNECT" });
    await nats.restart();
    await ended;
  });

  it("are answered over the new connection, and refusals stay what they are", async (t) => {
    const proxy = await TcpProxy.start(nats.port);
    t.after(() => proxy.close());
    const link = await openLink(t, proxy.port);
    let reconnects = 0;
    link.listen({ reconnected: () => (reconnects += 1) });
    proxy.cut();
    await until(() => reconnects === 1, 60_000, "the reconnect");
    link.nc.subscribe("asked", { callback: (_error, message) => message.respond("answer") });
    assert.equal((await link.nc.request("asked", "", { timeout: TIMEOUT_MS })).string(), "answer");
    await assert.rejects(link.jsm.streams.info("NONE"), { message: "stream not found" });
  });
});
