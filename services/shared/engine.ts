/**
 * settings -> parts, in order -> run until the work or SIGTERM ends it -> parts released in reverse.
 *
 * The life that all three engines share; each engine's `main.ts` says what its parts are.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { CommonSettings, Env } from "./config.js";
import { EngineError, UserError, messageOf } from "./errors.js";
import { HealthServer } from "./health.js";
import { createLogger } from "./logger.js";
import type { Logger } from "./logger.js";
import { createMetrics } from "./metrics.js";
import type { Metrics } from "./metrics.js";
import { nothingMoreSignal } from "./nothing-more.js";
import { VERSION } from "./product.js";
import { shownSettings } from "./shown-settings.js";
import { openTracer } from "./trace/open-tracer.js";
import type { Tracer } from "./trace/tracer.js";

/** What an engine did, for its last log line and the summary of `crunch up`. */
export type Totals = Readonly<Record<string, number | string>>;

/** What an engine is given to build its parts with. */
export interface EngineContext {
  /** Names this process in logs, parked messages and NATS: `host-pid-random`. */
  readonly engineId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: HealthServer;
  /** Off unless the settings name a collector. */
  readonly tracer: Tracer;
  /** Aborts on SIGTERM or SIGINT: take no more work, finish what is in hand. */
  readonly signal: AbortSignal;
  /** Aborts when whoever started this engine knows that no message will come any more: nothing is to wait for one. */
  readonly nothingMore: AbortSignal;
  /** Aborts when half of DRAIN_MS is over: time to give up what waits for others. */
  readonly halfDrained: AbortSignal;
  /** Registers a release; releases run last to first when the engine ends, however it ends. */
  defer(release: () => Promise<void> | void): void;
  /** Listens on HTTP_PORT and writes the start line. Call once every part is ready. */
  started(details: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface EngineDefinition<Settings extends CommonSettings> {
  readonly name: "data-engine" | "crunch-engine" | "results-engine";
  /** @throws UserError that lists every problem */
  readSettings(env: Env): Settings;
  /** Opens the parts, works until done or aborted, and says what was done. */
  run(settings: Settings, context: EngineContext): Promise<Totals>;
}

/**
 * Runs one engine in this process.
 *
 * @returns the exit code: 0 done or drained, 1 broken or not drained in time, 2 bad input
 */
export async function runEngine<Settings extends CommonSettings>(
  definition: EngineDefinition<Settings>,
  env: Env,
): Promise<number> {
  let settings: Settings;
  try {
    settings = definition.readSettings(env);
  } catch (thrown) {
    return reportUserError(thrown);
  }
  const logger = await createLogger(definition.name, settings.LOG_LEVEL, settings.LOG_FORMAT);
  const startedAtMs = performance.now();
  const metrics = createMetrics(definition.name);
  const health = new HealthServer(metrics.registry);
  const engineId = `${hostname()}-${String(process.pid)}-${randomBytes(3).toString("hex")}`;
  const tracer = await openTracer(settings, { service: definition.name, engineId, logger, metrics });
  const releases: (() => Promise<void> | void)[] = [() => tracer.close()];
  const stopping = watchSignals(settings.DRAIN_MS, logger);
  const nothingMore = nothingMoreSignal();
  const context: EngineContext = {
    engineId,
    logger,
    metrics,
    health,
    tracer,
    signal: stopping.signal,
    halfDrained: stopping.halfDrained,
    nothingMore: nothingMore.signal,
    defer: (release) => releases.push(release),
    started: async (details) => {
      const httpPort = await health.listen(settings.HTTP_HOST, settings.HTTP_PORT);
      releases.push(() => health.close());
      const about = { event: "started", version: VERSION, httpPort, ...details };
      logger.info({ ...about, settings: shownSettings(settings, env) }, `${definition.name} started`);
    },
  };
  let exitCode = 0;
  let totals: Totals = {};
  try {
    totals = await definition.run(settings, context);
  } catch (thrown) {
    exitCode = thrown instanceof UserError ? reportUserError(thrown) : isOurStop(thrown) ? 0 : 1;
    if (exitCode === 1) logger.fatal({ err: thrown }, `${definition.name} is broken: ${messageOf(thrown)}`);
  }
  for (const release of releases.reverse()) {
    try {
      await release();
    } catch (thrown) {
      logger.error({ err: thrown }, `release failed: ${messageOf(thrown)}`);
      exitCode ||= 1;
    }
  }
  nothingMore.done();
  stopping.done();
  if (exitCode === 0) {
    const ranMs = Math.round(performance.now() - startedAtMs);
    const why = stopping.by() ?? "all is done";
    logger.info({ event: "stopped", why, ranMs, ...totals }, `${definition.name} stopped: ${why}`);
  }
  return exitCode;
}

/**
 * Aborts on the first SIGTERM or SIGINT; exits 1 when draining takes longer than `drainMs`. Keeps
 * listening when all is done: a signal that comes while the process exits must not change its code.
 */
function watchSignals(
  drainMs: number,
  logger: Logger,
): {
  signal: AbortSignal;
  halfDrained: AbortSignal;
  /** The signal that came first; undefined while none did. */
  by: () => NodeJS.Signals | undefined;
  done: () => void;
} {
  let by: NodeJS.Signals | undefined;
  const controller = new AbortController();
  const half = new AbortController();
  let halfTime: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let isDone = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted || isDone) return;
    by = signal;
    controller.abort();
    halfTime = setTimeout(() => half.abort(), drainMs / 2).unref();
    deadline = setTimeout(() => {
      logger.fatal(
        { drainMs },
        `not drained within DRAIN_MS=${String(drainMs)}; what is unacked is delivered again`,
      );
      process.exit(1);
    }, drainMs);
    deadline.unref();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    signal: controller.signal,
    halfDrained: half.signal,
    by: () => by,
    done: () => {
      isDone = true;
      clearTimeout(halfTime);
      clearTimeout(deadline);
    },
  };
}

/** A wait that ended because the engine was asked to stop before it had started. */
function isOurStop(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === "stopped_waiting";
}

function reportUserError(thrown: unknown): number {
  if (!(thrown instanceof UserError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  return 2;
}
