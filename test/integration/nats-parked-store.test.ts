import { after, before } from "node:test";
import { parkedStoreContract } from "../contract/parked-store-contract.js";
import { connectTest, freshNamespace } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

parkedStoreContract("NATS", async () => {
  const messaging = await connectTest(server.url, { namespace: freshNamespace() });
  const { parkedStore, publisher } = messaging;
  return { parkedStore, publisher, close: () => messaging.close() };
});
