/** settings -> source, connection -> pipeline. The only file that knows every part of a data-engine. */
import { randomBytes } from "node:crypto";
import { checkDataEngine, warnAtStart } from "../doctor/at-start.js";
import type { Env } from "../shared/config.js";
import { showEngine } from "../shared/engine-note.js";
import { runEngine } from "../shared/engine.js";
import type { EngineContext, EngineDefinition, Totals } from "../shared/engine.js";
import { connectNats } from "../shared/nats/connection.js";
import type { Warn } from "../shared/logger.js";
import { Parker } from "../shared/parking.js";
import { watchPublishing } from "../shared/publish-watch.js";
import { untilAnswered } from "../shared/until-answered.js";
import { readDataSettings } from "./config.js";
import type { DataSettings } from "./config.js";
import { createDataMetrics } from "./data-metrics.js";
import { OutstandingLimit } from "./outstanding-limit.js";
import { lookAtOutstanding } from "./outstanding-look.js";
import { runPipeline } from "./pipeline.js";
import type { PipelineObserver } from "./pipeline.js";
import { confirmedPositionOf, noteProgress } from "./run-note.js";
import { openSource } from "./sources/index.js";

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
    access: settings,
    role: "data-engine",
    namespace: settings.NAMESPACE,
    engineId,
    streamReplicas: settings.STREAM_REPLICAS,
    streamMaxBytes: settings.STREAM_MAX_BYTES,
    warn: (details, message) => logger.warn(details, message),
    signal,
    tracer: context.tracer,
  });
  context.defer(() => messaging.close());
  warnAtStart(checkDataEngine(settings, messaging.server), logger);

  const runId = settings.RUN_ID ?? randomBytes(9).toString("base64url");
  const fromPosition =
    settings.RUN_ID === undefined
      ? 0
      : await untilAnswered(() => confirmedPositionOf(messaging, runId), signal);
  const metrics = createDataMetrics(context.metrics, fromPosition);
  metrics.expectedRecords.set(source.expectedRecords ?? 0);

  const { publisher } = messaging;
  health.watch("nats", () => messaging.state());
  const limit = new OutstandingLimit({
    maxOutstanding: settings.MAX_OUTSTANDING,
    look: (enough) => lookAtOutstanding(messaging, messaging.server.maxPayloadBytes, enough),
  });
  const blockedBy = (): string | undefined => limit.blockedBy() ?? publisher.blockedBy();
  watchPublishing(context, { blockedBy }, { prefix: "data", component: "publishing" });
  await context.started({
    source: settings.SOURCE,
    runId,
    resumedAt: fromPosition,
    expectedRecords: source.expectedRecords,
  });

  showEngine(context, "data-engine", messaging.notes, settings.SOURCE);
  let position = fromPosition;
  const observer: PipelineObserver = {
    sending: (framesInFlight) => metrics.sending(framesInFlight),
    confirmed: (frame, confirmedPosition, framesInFlight) => {
      position = confirmedPosition;
      metrics.confirmed(frame, confirmedPosition, framesInFlight);
    },
  };
  if (settings.RUN_ID !== undefined) {
    context.defer(noteProgress(messaging.notes, runId, () => position));
  }
  const { tracer } = context;
  const warn: Warn = (details, message) => logger.warn(details, message);
  const parker = new Parker(publisher, engineId, { warn, tracer });
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
      observer,
      admission: limit,
      tracer,
    },
    signal,
  );
  metrics.sourceEnded.set(end.sourceEnded ? 1 : 0);
  return { published: end.confirmedPosition, parked: parker.count, ended: end.sourceEnded ? 1 : 0 };
}
