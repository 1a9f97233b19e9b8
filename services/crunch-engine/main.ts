/** settings -> connection, threads -> pipeline. The only file that knows every part of a crunch-engine. */
import { checkCrunchEngine, warnAtStart } from "../doctor/at-start.js";
import type { Env } from "../shared/config.js";
import { watchBacklog } from "../shared/backlog-watch.js";
import { showEngine } from "../shared/engine-note.js";
import { runEngine } from "../shared/engine.js";
import type { EngineContext, EngineDefinition, Totals } from "../shared/engine.js";
import { connectEngine } from "../shared/nats/connect-engine.js";
import type { Warn } from "../shared/logger.js";
import { Parker } from "../shared/parking.js";
import { watchPublishing } from "../shared/publish-watch.js";
import { inFlightOf, readCrunchSettings } from "./config.js";
import type { CrunchSettings } from "./config.js";
import { createCrunchMetrics, showJobsInHand } from "./crunch-metrics.js";
import { runCrunchPipeline } from "./pipeline.js";
import { nameCruncher } from "./pool/name-cruncher.js";
import { PiscinaPool } from "./pool/piscina-pool.js";

/** A module may take this long to load, or CRUNCH_TIMEOUT_MS if that is longer. */
const MIN_LOAD_MS = 30_000;

export const crunchEngine: EngineDefinition<CrunchSettings> = {
  name: "crunch-engine",
  readSettings: readCrunchSettings,
  run,
};

/** @returns the exit code */
export function main(env: Env): Promise<number> {
  return runEngine(crunchEngine, env);
}

async function run(settings: CrunchSettings, context: EngineContext): Promise<Totals> {
  const { logger, health, engineId, signal } = context;
  const loadTimeoutMs = Math.max(MIN_LOAD_MS, settings.CRUNCH_TIMEOUT_MS);
  const cruncher = await nameCruncher({ cruncher: settings.CRUNCHER, timeoutMs: loadTimeoutMs });
  const metrics = createCrunchMetrics(context.metrics);

  const messaging = await connectEngine(settings, context, "crunch-engine");
  warnAtStart(checkCrunchEngine(settings, messaging.server), logger);
  const pool = await PiscinaPool.start({
    cruncher: settings.CRUNCHER,
    version: cruncher.version,
    threads: settings.THREADS,
    timeoutMs: settings.CRUNCH_TIMEOUT_MS,
    loadTimeoutMs,
    threadMaxMemoryMb: settings.THREAD_MAX_MEMORY_MB,
    onThreadLost: (why) => {
      metrics.threadsLost.inc();
      logger.warn({ why }, "a thread was lost and is replaced");
    },
  });
  context.defer(() => pool.close());
  metrics.threads.set(pool.threads);
  showJobsInHand(context.metrics, pool);

  const consumer = await messaging.consumer({
    topic: "data",
    ...inFlightOf(settings),
    ackWaitMs: settings.RESEND_AFTER_MS,
    nothingMore: context.nothingMore,
  });
  await watchBacklog(context, messaging, "data", "crunch");

  watchPublishing(context, messaging.publisher, { prefix: "crunch", component: "results" });
  health.watch("pool", () => ({
    ok: true,
    detail: `${String(pool.threads)} threads, ${String(pool.jobsInHand)} messages in hand`,
  }));
  await context.started({
    cruncher: cruncher.name,
    cruncherVersion: cruncher.version,
    threads: pool.threads,
  });
  const about = `${cruncher.name} ${cruncher.version}, ${String(pool.threads)} threads`;
  showEngine(context, "crunch-engine", messaging.notes, about);

  const { publisher } = messaging;
  const { tracer, halfDrained: parkGiveUp } = context;
  const warn: Warn = (details, message) => logger.warn(details, message);
  const parker = new Parker(publisher, engineId, { warn, tracer });
  const parts = { consumer, pool, publisher, parker, parkGiveUp, cruncher, metrics, tracer };
  const totals = await runCrunchPipeline(parts, signal);
  return { ...totals };
}
