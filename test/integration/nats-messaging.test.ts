import { after, before } from "node:test";
import { messagingContract } from "../contract/messaging-contract.js";
import { connectTest, freshNamespace, storedPayloads } from "../support/nats-fixture.js";
import { NatsServer } from "../support/nats-server.js";

let server: NatsServer;
before(async () => (server = await NatsServer.start()));
after(() => server.stop());

messagingContract("NATS", async ({ maxBytes }) => {
  const namespace = freshNamespace();
  const messaging = await connectTest(server.url, { namespace, streamMaxBytes: maxBytes });
  return {
    messaging,
    store: messaging.parkedStore,
    parkedPayloads: (topic) =>
      storedPayloads(server.url, `${namespace}-PARKED`, `${namespace}.parked.${topic}`),
    close: () => messaging.close(),
  };
});
