import type { EngineContext } from "./engine.js";
import type { Messaging, Topic } from "./messaging.js";

const EVERY_MS = 3_000;

/**
 * Keeps the lag gauges of a stage fresh until the engine ends: one question to the server at a
 * time, however often metrics are asked for. While the server is away they keep their last value
 * and `/readyz` tells.
 *
 * @param prefix of the metrics: `crunch` or `results`
 */
export async function watchBacklog(
  context: EngineContext,
  messaging: Messaging,
  topic: Topic,
  prefix: string,
  everyMs = EVERY_MS,
): Promise<void> {
  const stage = `Messages of ${topic}`;
  const pending = context.metrics.gauge(
    `${prefix}_pending_messages`,
    `${stage} not yet delivered to any engine.`,
  );
  const unacked = context.metrics.gauge(
    `${prefix}_unacked_messages`,
    `${stage} delivered and not yet acked.`,
  );
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      const backlog = await messaging.backlog(topic);
      pending.set(backlog.pendingMessages);
      unacked.set(backlog.unackedMessages);
    } catch {
      // The next look tries again.
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  context.defer(() => clearInterval(timer));
  await look();
}
