/** look -> decide -> tell Marathon, again and again. */
import { UserError, messageOf } from "../../services/shared/errors.js";
import { BusyTime } from "./busy-time.js";
import type { Clock } from "../clock.js";
import type { ScaleSettings } from "../config.js";
import type { Marathon } from "../api/marathon.js";
import { MarathonError } from "../api/marathon-error.js";
import { lookAtPipeline } from "./pipeline-look.js";
import type { PipelineLook } from "./pipeline-look.js";
import { decide } from "./scale-decision.js";
import type { Decision, Memory, ScaleLimits } from "./scale-decision.js";

/** One look and what came of it. */
export interface ScaleReport {
  readonly app: string;
  readonly engines: number;
  /** What there should be. */
  readonly wanted: number;
  readonly drainSeconds: number | undefined;
  readonly busyShare: number | undefined;
  /** For people. */
  readonly why: string;
}

export interface ScalerOptions {
  readonly marathon: Marathon;
  readonly settings: ScaleSettings;
  /** Decides, and changes nothing. */
  readonly isDry: boolean;
  readonly clock: Clock;
}

export class Scaler {
  readonly #options: ScalerOptions;
  readonly #limits: ScaleLimits;
  readonly #busyTime = new BusyTime();
  #memory: Memory;

  constructor(options: ScalerOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#limits = {
      minEngines: settings.MIN_ENGINES,
      maxEngines: settings.MAX_ENGINES,
      targetDrainMs: settings.TARGET_DRAIN_MS,
      upAfterMs: settings.UP_AFTER_MS,
      downAfterMs: settings.DOWN_AFTER_MS,
    };
    this.#memory = { pace: "unknown", sinceMs: clock.nowMs() };
  }

  /**
   * Looks twice, LOOK_EVERY_MS apart, and decides once: how it went until now is taken for how it has
   * been since Marathon's last change.
   *
   * @returns undefined when `signal` aborts
   * @throws MarathonError; UserError when there is no such app
   */
  async once(signal: AbortSignal): Promise<ScaleReport | undefined> {
    const { clock, settings } = this.#options;
    this.#busyOf(await this.#look());
    await clock.wait(settings.LOOK_EVERY_MS, signal);
    if (signal.aborted) return undefined;
    return this.#act(await this.#look(), undefined);
  }

  /** Goes on until `signal` aborts; `tell` hears of every look, or of the trouble with it. */
  async run(tell: (report: ScaleReport | string) => void, signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    while (!signal.aborted) {
      try {
        tell(await this.#act(await this.#look(), this.#memory));
      } catch (thrown) {
        if (!(thrown instanceof MarathonError) && !(thrown instanceof UserError)) throw thrown;
        tell(messageOf(thrown));
      }
      await clock.wait(settings.LOOK_EVERY_MS, signal);
    }
  }

  async #act(look: PipelineLook, memory: Memory | undefined): Promise<ScaleReport> {
    const { marathon, settings, isDry, clock } = this.#options;
    const atMs = clock.nowMs();
    const busyShare = this.#busyOf(look);
    const decision = decide({ ...look, atMs, busyShare }, memory, this.#limits);
    if (decision.memory.pace !== this.#memory.pace) this.#busyTime.restart();
    this.#memory = decision.memory;
    const report = {
      app: settings.CRUNCH_APP,
      engines: look.engines,
      wanted: decision.engines,
      drainSeconds: look.drainSeconds,
      busyShare,
      why: whyOf(decision, look),
    };
    if (decision.engines === look.engines) return report;
    if (look.deployments.length > 0) {
      const held = `${report.why}; waits for the deployment ${look.deployments.join(", ")}`;
      return { ...report, wanted: look.engines, why: held };
    }
    if (!isDry) {
      await marathon.scale(settings.CRUNCH_APP, decision.engines);
      this.#busyTime.restart();
    }
    return report;
  }

  async #look(): Promise<PipelineLook> {
    const { marathon, settings } = this.#options;
    return lookAtPipeline(marathon, { crunch: settings.CRUNCH_APP, results: settings.RESULTS_APP });
  }

  #busyOf({ threads }: PipelineLook): number | undefined {
    return this.#busyTime.add(threads, this.#options.clock.nowMs());
  }
}

function whyOf({ why, engines: wanted }: Decision, look: PipelineLook): string {
  const { engines, drainSeconds, troubles } = look;
  return wanted === engines && drainSeconds === undefined && troubles.length > 0
    ? `${why}: ${troubles.join("; ")}`
    : why;
}
