/** settings -> connection, threads -> pipeline. The only file that knows every part of a crunch-engine. */
import type { Env } from "../shared/config.js";
import { watchBacklog } from "../shared/backlog-watch.js";
import { runEngine } from "../shared/engine.js";
import type { EngineContext, EngineDefinition, Totals } from "../shared/engine.js";
import { connectEngine } from "../shared/nats/connect-engine.js";
import { Parker } from "../shared/parking.js";
import { readCrunchSettings } from "./config.js";
import type { CrunchSettings } from "./config.js";
import { createCrunchMetrics } from "./crunch-metrics.js";
import { loadCruncher } from "./crunchers/index.js";
import { runCrunchPipeline } from "./pipeline.js";
import { PiscinaPool } from "./pool/piscina-pool.js";

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
  const cruncher = await loadCruncher(settings.CRUNCHER);
  const metrics = createCrunchMetrics(context.metrics);

  const messaging = await connectEngine(settings, context);
  const pool = await PiscinaPool.start({
    cruncher: settings.CRUNCHER,
    version: cruncher.version,
    threads: settings.THREADS,
    timeoutMs: settings.CRUNCH_TIMEOUT_MS,
    threadMaxMemoryMb: settings.THREAD_MAX_MEMORY_MB,
    onThreadLost: (why) => {
      metrics.threadsLost.inc();
      logger.warn({ why }, "a thread was lost and is replaced");
    },
  });
  context.defer(() => pool.close());
  metrics.threads.set(pool.threads);

  const consumer = await messaging.consumer({
    topic: "data",
    maxInFlight: settings.CRUNCH_MAX_IN_FLIGHT,
    ackWaitMs: settings.RESEND_AFTER_MS,
  });
  await watchBacklog(context, messaging, "data", "crunch");

  health.watch("results", () => {
    const blockedBy = messaging.publisher.blockedBy();
    return { ok: blockedBy === undefined, detail: blockedBy ?? "flowing" };
  });
  health.watch("pool", () => ({
    ok: true,
    detail: `${String(pool.threads)} threads, ${String(pool.jobsInHand)} messages in hand`,
  }));
  await context.started({ cruncher: cruncher.name, version: cruncher.version, threads: pool.threads });

  const parker = new Parker(messaging.publisher, engineId);
  const { publisher } = messaging;
  const totals = await runCrunchPipeline({ consumer, pool, publisher, parker, cruncher, metrics }, signal);
  return { ...totals };
}
