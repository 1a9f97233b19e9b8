import type { CommonSettings } from "../config.js";
import type { EngineContext } from "../engine.js";
import { connectNats } from "./connection.js";
import type { NatsMessaging } from "./nats-messaging.js";
import type { Role } from "./roles.js";

/**
 * Connects an engine by its settings; the connection is watched by `/readyz` and closed with the engine.
 *
 * @param role its user
 */
export async function connectEngine(
  settings: CommonSettings,
  context: EngineContext,
  role: Role,
): Promise<NatsMessaging> {
  const messaging = await connectNats({
    url: settings.NATS_URL,
    access: settings,
    role,
    namespace: settings.NAMESPACE,
    engineId: context.engineId,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    signal: context.signal,
    tracer: context.tracer,
    warn: (details, message) => context.logger.warn(details, message),
  });
  context.defer(() => messaging.close());
  context.health.watch("nats", () => messaging.state());
  return messaging;
}
