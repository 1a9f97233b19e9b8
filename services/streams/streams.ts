/** Makes streams and durables, for engines whose user may not. */
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../shared/errors.js";
import { NobodyAnswers } from "../shared/nats/connect-failure.js";
import { connectNats } from "../shared/nats/connection.js";
import type { NatsMessaging } from "../shared/nats/nats-messaging.js";
import type { StreamsSettings } from "./config.js";

const RETRY_MS = 250;

/**
 * Makes the streams and durables of NAMESPACE, or brings them to these settings. What is as it should be
 * stays untouched.
 *
 * @param note hears what a person may want to know
 * @throws UserError when NATS is not there, or a stream cannot be made as set
 */
export async function makeStreams(settings: StreamsSettings, note: (line: string) => void): Promise<void> {
  const messaging = await onceThere(settings, note);
  try {
    for (const topic of ["data", "results"] as const) {
      await messaging.consumer({ topic, maxInFlight: 1, ackWaitMs: settings.RESEND_AFTER_MS });
    }
  } finally {
    await messaging.close();
  }
}

/** Connects, and waits for a server that does not answer yet, but for nothing else. */
async function onceThere(settings: StreamsSettings, note: (line: string) => void): Promise<NatsMessaging> {
  const endMs = performance.now() + settings.NATS_WAIT_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return await connectAndMake(settings, note);
    } catch (thrown) {
      const isAbsent = thrown instanceof Error && thrown.cause instanceof NobodyAnswers;
      if (!isAbsent || performance.now() >= endMs) throw thrown;
      if (tries === 1) note(`${messageOf(thrown)}; waiting for it`);
    }
    await delay(RETRY_MS);
  }
}

function connectAndMake(settings: StreamsSettings, note: (line: string) => void): Promise<NatsMessaging> {
  return connectNats({
    url: settings.NATS_URL,
    access: settings,
    role: "operator",
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-streams`,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    warn: (_details, message) => note(message),
  });
}
