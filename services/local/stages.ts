import { hostname } from "node:os";
import type { Messaging } from "../shared/messaging.js";
import type { AccessSettings } from "../shared/nats/access.js";
import { connectNats } from "../shared/nats/connection.js";

export interface StageSettings extends AccessSettings {
  readonly NAMESPACE?: string | undefined;
  readonly STREAM_REPLICAS: number;
  readonly STREAM_MAX_BYTES: number;
}

/**
 * The launcher's own connection to both stages: it makes the streams and asks them what is left.
 *
 * @throws UserError that names NATS_URL when nobody answers there
 */
export async function connectStages(url: string, settings: StageSettings): Promise<Messaging> {
  return await connectNats({
    url,
    access: settings,
    role: "operator",
    namespace: settings.NAMESPACE,
    engineId: `${hostname()}-${String(process.pid)}-up`,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    // The engines tell the same of their own connections.
    warn: () => undefined,
  });
}
