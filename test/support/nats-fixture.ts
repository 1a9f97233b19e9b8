/** Messaging over a real server, with a namespace of its own. */
import { connect } from "nats";
import { connectNats } from "../../services/shared/nats/connection.js";
import type { NatsOptions } from "../../services/shared/nats/connection.js";
import type { NatsMessaging } from "../../services/shared/nats/nats-messaging.js";
import type { NatsConnection } from "nats";

let namespaces = 0;

/** A namespace that no other test of this process has. */
export function freshNamespace(): string {
  namespaces += 1;
  return `t${String(namespaces)}`;
}

/** Connects with the defaults of tests: small streams, quick trimming. */
export function connectTest(url: string, options: Partial<NatsOptions> = {}): Promise<NatsMessaging> {
  return connectNats({
    url,
    engineId: "test-engine",
    streamReplicas: 1,
    streamMaxBytes: 16_777_216,
    trimEveryMs: 200,
    warn: () => undefined,
    ...options,
  });
}

/** Runs `body` with a plain connection: what an operator or a foreign client does. */
export async function withClient<T>(url: string, body: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: url.split(",") });
  try {
    return await body(nc);
  } finally {
    await nc.close();
  }
}

/** Payloads stored on a subject, oldest first. */
export function storedPayloads(url: string, stream: string, subject: string): Promise<Uint8Array[]> {
  return withClient(url, async (nc) => {
    const jsm = await nc.jetstreamManager();
    const { state } = await jsm.streams.info(stream);
    const payloads: Uint8Array[] = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
      const stored = await jsm.streams.getMessage(stream, { seq });
      if (stored.subject === subject) payloads.push(stored.data);
    }
    return payloads;
  });
}
