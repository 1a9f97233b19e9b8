/** Makes streams and durables, for engines whose user may not. */
import { hostname } from "node:os";
import { connectNats } from "../shared/nats/connection.js";
import type { StreamsSettings } from "./config.js";

/**
 * Makes the streams and durables of NAMESPACE, or brings them to these settings. What is as it should be
 * stays untouched.
 *
 * @param note hears what a person may want to know
 * @throws UserError when NATS is not there, or a stream cannot be made as set
 */
export async function makeStreams(settings: StreamsSettings, note: (line: string) => void): Promise<void> {
  const messaging = await connectNats({
    url: settings.NATS_URL,
    access: settings,
    role: "operator",
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-streams`,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    warn: (_details, message) => note(message),
  });
  try {
    for (const topic of ["data", "results"] as const) {
      await messaging.consumer({ topic, maxInFlight: 1, ackWaitMs: settings.RESEND_AFTER_MS });
    }
  } finally {
    await messaging.close();
  }
}
