import { checkResultsEngine, warnAtStart } from "../doctor/at-start.js";
import type { Env } from "../shared/config.js";
import { watchBacklog } from "../shared/backlog-watch.js";
import { showEngine } from "../shared/engine-note.js";
import { runEngine } from "../shared/engine.js";
import type { EngineContext, EngineDefinition, Totals } from "../shared/engine.js";
import { watchLedger } from "../shared/ledger-watch.js";
import { connectEngine } from "../shared/nats/connect-engine.js";
import type { Warn } from "../shared/logger.js";
import { Parker } from "../shared/parking.js";
import { parsePluginUri } from "../shared/plugin-uri.js";
import { Batcher } from "./batcher.js";
import { readResultsSettings } from "./config.js";
import type { ResultsSettings } from "./config.js";
import { runResultsPipeline } from "./pipeline.js";
import { createResultsMetrics } from "./results-metrics.js";
import { openSinkNote } from "./sink-note.js";
import { openSink } from "./sinks/index.js";

/** Results from RESULTS, in batches, into the sink. */
export const resultsEngine: EngineDefinition<ResultsSettings> = {
  name: "results-engine",
  readSettings: readResultsSettings,
  run,
};

export function main(env: Env): Promise<number> {
  return runEngine(resultsEngine, env);
}

async function run(settings: ResultsSettings, context: EngineContext): Promise<Totals> {
  const { tracer } = context;
  const warn: Warn = (details, message) => context.logger.warn(details, message);
  // The sink comes first: bad input ends here before a message is touched.
  const sink = await openSink(settings.SINK, {
    lateAfterMs: settings.LATE_AFTER_MS,
    runId: settings.RUN_ID,
    bigQueryEndpoint: settings.BIGQUERY_API_ENDPOINT,
    warn,
  });
  context.defer(() => sink.close());
  const messaging = await connectEngine(settings, context, "results-engine");
  warnAtStart(checkResultsEngine(settings, messaging.server), context.logger);
  const resultsMetrics = createResultsMetrics(context.metrics, sink);
  const sinkNote = await openSinkNote(messaging.notes, sink, context.halfDrained);
  const batcher = new Batcher({
    sink,
    limits: {
      maxRows: settings.BATCH_MAX_ROWS,
      maxBytes: settings.BATCH_MAX_BYTES,
      maxMessages: Math.max(1, Math.floor(settings.RESULTS_MAX_IN_FLIGHT / 2)),
      maxWaitMs: settings.BATCH_MAX_WAIT_MS,
    },
    tracer,
    sinkKind: parsePluginUri("SINK", settings.SINK).scheme,
    signal: context.signal,
    onBatch: async (report) => {
      resultsMetrics.onBatch(report);
      await sinkNote.add(report.outcome);
    },
  });
  const parker = new Parker(messaging.publisher, context.engineId, { warn, tracer });
  const consumer = await messaging.consumer({
    topic: "results",
    maxInFlight: settings.RESULTS_MAX_IN_FLIGHT,
    // One batch is being written while the next one fills.
    maxInFlightBytes: 2 * settings.BATCH_MAX_BYTES,
    ackWaitMs: settings.RESEND_AFTER_MS,
    nothingMore: context.nothingMore,
  });
  await watchBacklog(context, messaging, "results", "results");
  await watchLedger(context, messaging);
  context.health.watch("sink", () => sink.state());
  await context.started({ sink: sink.description, runId: settings.RUN_ID });
  showEngine(context, "results-engine", messaging.notes, sink.description);
  const { signal, nothingMore, halfDrained: parkGiveUp } = context;
  await runResultsPipeline({ consumer, batcher, parker, parkGiveUp, tracer, nothingMore }, signal);
  return { ...resultsMetrics.totals(), parked: parker.count, sink: sink.description };
}
