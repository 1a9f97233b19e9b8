import { randomBytes } from "node:crypto";
import type { Messaging, Topic } from "../shared/messaging.js";
import type { LogLine } from "./child.js";
import { threadsPerEngine } from "./children.js";
import type { Children, StartEngine } from "./children.js";
import { answered, drained } from "./drained.js";
import { checkSource } from "./check-source.js";
import { natsServerBinary } from "./nats-server-binary.js";
import type { Progress } from "./progress.js";
import { RunMetrics } from "./run-metrics.js";
import { connectStages } from "./stages.js";
import type { RunState, StateDirectory } from "./state-directory.js";
import { aborted } from "./stop-signals.js";
import { summaryOf } from "./summary.js";
import type { Summary } from "./summary.js";
import { errorOf } from "./supervisor.js";
import type { Outcome, Supervisor } from "./supervisor.js";
import type { UpOptions } from "./up-options.js";
import type { UpSettings } from "./up-settings.js";

export interface RunOptions extends UpOptions {
  readonly settings: UpSettings;
  readonly state: StateDirectory;
  readonly children: Children;
  readonly progress: Progress;
  /** Aborts when the user wants to stop: drain. */
  readonly stop: AbortSignal;
}

/** Engines that are loading or loaded, not started. */
interface PreparedEngines {
  readonly engines: readonly StartEngine[];
  readonly results: StartEngine;
  readonly data: StartEngine;
}

interface Consumers {
  readonly engines: readonly Supervisor[];
  readonly results: Supervisor;
}

const PROGRESS_EVERY_MS = 500;

/** One run from its start to its summary. Ends no process in an error: {@link Children.close} does. */
export class Run {
  readonly #options: RunOptions;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /**
   * @throws UserError for bad input before the first record was published, EngineError when a child
   *   died too often
   */
  async execute(): Promise<Summary> {
    const { state, settings, fresh, progress } = this.#options;
    if (fresh) state.forget();
    const earlier = state.readRun();
    const runId = settings.runId ?? (earlier?.complete === false ? earlier.runId : newRunId());
    const continued = earlier?.complete === false && earlier.runId === runId ? earlier : undefined;
    if (continued !== undefined) progress.note("continuing the unfinished run (--fresh starts over)");

    // Engines take longer to load than a server to start.
    const prepared = this.#prepareEngines();
    const natsUrl = settings.natsUrl ?? (await this.#startServer());
    const env = { NATS_URL: natsUrl, RUN_ID: runId };
    const messaging = await connectStages(natsUrl, settings.stages);
    try {
      const { engines, results } = await this.#startConsumers(prepared, env);
      const parkedBefore = continued?.parkedBefore ?? (await answered(() => messaging.parkedMessages()));
      const run: RunState = { runId, complete: false, parkedBefore };
      state.writeRun(run);
      return await this.#work({ engines, results }, () => prepared.data(env), messaging, run);
    } finally {
      await messaging.close();
    }
  }

  async #startServer(): Promise<string> {
    const { children, env, progress } = this.#options;
    const binary = await natsServerBinary(env, { say: (line) => progress.note(line) });
    return await children.startServer(binary);
  }

  #prepareEngines(): PreparedEngines {
    const { children, engines: count } = this.#options;
    return {
      engines: Array.from({ length: count }, (_, index) => {
        const name = count === 1 ? "crunch-engine" : `crunch-engine ${String(index + 1)}`;
        return children.prepareEngine("crunch-engine", name);
      }),
      results: children.prepareEngine("results-engine", "results-engine"),
      data: children.prepareEngine("data-engine", "data-engine"),
    };
  }

  /** Bad input must show before anything is written, so the sink comes after all that can be refused. */
  async #startConsumers(
    prepared: PreparedEngines,
    env: { NATS_URL: string; RUN_ID: string },
  ): Promise<Consumers> {
    const { settings, fresh } = this.#options;
    const threads = settings.threads ?? threadsPerEngine(this.#options.engines);
    const forCrunching = { ...env, ...(threads !== undefined && { THREADS: threads }) };
    const engines = prepared.engines.map((start) => start(forCrunching));
    await Promise.all([checkSource(this.#options.env), ...engines.map((engine) => engine.ready())]);
    if (fresh) {
      const { dropSink } = await import("../results-engine/sinks/index.js");
      await dropSink(settings.sink);
    }
    const results = prepared.results(env);
    await results.ready();
    return { engines, results };
  }

  async #work(
    consumers: Consumers,
    startData: () => Supervisor,
    messaging: Messaging,
    run: RunState,
  ): Promise<Summary> {
    const { children, progress, stop } = this.#options;
    const metrics = new RunMetrics(consumers);
    const before = await metrics.read();
    const data = startData();
    metrics.data = data;
    await data.ready();
    const startedAtMs = Date.now();
    const ticking = setInterval(() => {
      void metrics.read().then((counts) => progress.update(counts));
    }, PROGRESS_EVERY_MS);
    let end: LogLine | undefined;
    let isDrained: boolean;
    let drainedAtMs: number;
    try {
      end = totalsOf(await this.#untilSourceEnds(data));
      if (typeof end?.published === "number") metrics.dataEnded(end.published);
      isDrained = await this.#untilDrained(messaging, consumers);
      drainedAtMs = Date.now();
    } finally {
      clearInterval(ticking);
    }
    const parkedNow = await answered(() => messaging.parkedMessages());
    const enginesStopped = Promise.all(consumers.engines.map((engine) => children.stop(engine)));
    // What they still crunch is to be stored, too; when there is nothing, all can stop at once.
    if (!isDrained) await enginesStopped;
    const totals = totalsOf(await children.stop(consumers.results));
    await enginesStopped;
    if (typeof totals?.stored === "number") metrics.stored.observe(totals.stored);
    if (typeof totals?.repeats === "number") metrics.repeats.observe(totals.repeats);

    const summary = summaryOf({
      data: end,
      results: totals,
      stored: metrics.stored.total,
      repeats: metrics.repeats.total,
      parked: parkedNow - run.parkedBefore,
      settledBefore: before.stored + before.repeats,
      ms: drainedAtMs - startedAtMs,
    });
    if (stop.aborted) progress.note("stopped; the same command continues the run (--fresh starts over)");
    else await this.#finish(run, summary, parkedNow);
    return summary;
  }

  /** Resolves when the data-engine is done with its source or, at the user's wish, drained. */
  async #untilSourceEnds(data: Supervisor): Promise<Outcome> {
    const { children, stop } = this.#options;
    const first = await Promise.race([data.outcome, children.failed, aborted(stop)]);
    const outcome = first ?? (await children.stop(data));
    if (outcome.kind === "gave-up" || outcome.kind === "bad-input") throw errorOf(outcome, data.name);
    return outcome;
  }

  /**
   * After the user's wish to stop only for DRAIN_MS; what is left stays in the streams.
   *
   * @returns false if something is left
   */
  async #untilDrained(messaging: Messaging, consumers: Consumers): Promise<boolean> {
    const { children, stop, settings } = this.#options;
    const onDelivered = (topic: Topic): void => {
      // Into servers of the user's own others may publish, too.
      if (settings.natsUrl !== undefined) return;
      for (const engine of topic === "data" ? consumers.engines : [consumers.results]) engine.nothingMore();
    };
    const enough = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onStop = (): void => {
      timer = setTimeout(() => enough.abort(), settings.drainMs);
    };
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
    try {
      const outcome = await Promise.race([drained(messaging, enough.signal, onDelivered), children.failed]);
      if (typeof outcome !== "boolean") throw errorOf(outcome, "an engine");
      return outcome;
    } finally {
      enough.abort();
      stop.removeEventListener("abort", onStop);
      clearTimeout(timer);
    }
  }

  /** A complete run leaves nothing, except a message store that still keeps what was parked. */
  async #finish(run: RunState, summary: Summary, parkedNow: number): Promise<void> {
    const { children, state, settings, progress } = this.#options;
    await children.close();
    if (summary.outstanding > 0) {
      state.writeRun({ ...run, complete: true });
      progress.note(
        `both streams are empty and records are missing; what there is to look at is in ${state.path}`,
      );
      return;
    }
    if (settings.natsUrl === undefined && parkedNow > 0) {
      state.writeRun({ ...run, complete: true });
      progress.note(`what was parked is kept in ${state.file("nats")}`);
    } else state.remove();
  }
}

/** The stop line, if the child ended in order. */
function totalsOf(outcome: Outcome): LogLine | undefined {
  return "end" in outcome ? outcome.end?.totals : undefined;
}

function newRunId(): string {
  return randomBytes(6).toString("hex");
}
