/** settings -> source, connection -> pipeline. The only file that knows every part of a data-engine. */
import { randomBytes } from "node:crypto";
import type { Env } from "../shared/config.js";
import { runEngine } from "../shared/engine.js";
import type { EngineContext, EngineDefinition, Totals } from "../shared/engine.js";
import { HEADER } from "../shared/messaging.js";
import type { Messaging } from "../shared/messaging.js";
import { connectNats } from "../shared/nats/connection.js";
import { Parker } from "../shared/parking.js";
import { readDataSettings } from "./config.js";
import type { DataSettings } from "./config.js";
import { createDataMetrics } from "./data-metrics.js";
import { runPipeline } from "./pipeline.js";
import { openSource } from "./sources/index.js";

const LOOK_AT_BLOCK_EVERY_MS = 500;

export const dataEngine: EngineDefinition<DataSettings> = {
  name: "data-engine",
  readSettings: readDataSettings,
  run,
};

/** @returns the exit code */
export function main(env: Env): Promise<number> {
  return runEngine(dataEngine, env);
}

async function run(settings: DataSettings, context: EngineContext): Promise<Totals> {
  const { logger, health, engineId, signal } = context;
  // The source first: bad input is said before NATS is touched.
  const source = await openSource(settings.SOURCE, { lingerMs: settings.FRAME_LINGER_MS });
  context.defer(() => source.close());

  const messaging = await connectNats({
    url: settings.NATS_URL,
    namespace: settings.NAMESPACE,
    engineId,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    warn: (details, message) => logger.warn(details, message),
    signal,
  });
  context.defer(() => messaging.close());

  const runId = settings.RUN_ID ?? randomBytes(9).toString("base64url");
  const fromPosition = settings.RUN_ID === undefined ? 0 : await confirmedPositionOf(messaging, runId);
  const metrics = createDataMetrics(context.metrics, fromPosition);
  metrics.expectedRecords.set(source.expectedRecords ?? 0);

  const { publisher } = messaging;
  const look = setInterval(
    () => metrics.publishBlocked.set(publisher.blockedBy() === undefined ? 0 : 1),
    LOOK_AT_BLOCK_EVERY_MS,
  );
  context.defer(() => clearInterval(look));
  health.watch("nats", () => messaging.state());
  health.watch("publishing", () => {
    const blockedBy = publisher.blockedBy();
    return { ok: blockedBy === undefined, detail: blockedBy ?? "flowing" };
  });
  await context.started({
    source: settings.SOURCE,
    runId,
    resumedAt: fromPosition,
    expectedRecords: source.expectedRecords,
  });

  const parker = new Parker(publisher, engineId);
  const limits = {
    maxRecords: settings.FRAME_MAX_RECORDS,
    maxBytes: settings.FRAME_MAX_BYTES,
    maxRecordBytes: settings.MAX_RECORD_BYTES,
  };
  const end = await runPipeline(
    {
      source,
      publisher,
      parker,
      limits,
      window: settings.PUBLISH_WINDOW,
      runId,
      fromPosition,
      observer: metrics,
    },
    signal,
  );
  metrics.sourceEnded.set(end.sourceEnded ? 1 : 0);
  return { published: end.confirmedPosition, parked: parker.count, ended: end.sourceEnded ? 1 : 0 };
}

/** How far an earlier process of this run came, as its last frame says. */
async function confirmedPositionOf(messaging: Messaging, runId: string): Promise<number> {
  const headers = await messaging.lastHeaders("data.frame");
  if (headers?.[HEADER.run] !== runId) return 0;
  const position = Number(headers[HEADER.confirmed]);
  return Number.isSafeInteger(position) && position >= 0 ? position : 0;
}
