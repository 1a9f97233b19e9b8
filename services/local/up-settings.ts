import type { Env } from "../shared/config.js";
import { readAllSettings } from "./all-settings.js";
import type { StageSettings } from "./stages.js";

/** What `crunch up` itself needs of the engines' settings. */
export interface UpSettings {
  /** Servers of the user's own; undefined: a server is started. */
  readonly natsUrl: string | undefined;
  /** A run id of the user's own. */
  readonly runId: string | undefined;
  /** THREADS of each crunch-engine, if the user has a wish. */
  readonly threads: string | undefined;
  readonly sink: string;
  readonly drainMs: number;
  /** What makes two starts the same run. */
  readonly identity: readonly string[];
  readonly stages: StageSettings;
}

/**
 * Checks the settings of all three engines before any of them is started.
 *
 * @throws UserError with every problem of all of them, each once
 */
export function readUpSettings(env: Env): UpSettings {
  const { data, crunch, results } = readAllSettings(env);
  const natsUrl = givenIn(env, "NATS_URL");
  return {
    natsUrl,
    runId: givenIn(env, "RUN_ID"),
    threads: givenIn(env, "THREADS"),
    sink: results.SINK,
    drainMs: data.DRAIN_MS,
    identity: [data.SOURCE, crunch.CRUNCHER, results.SINK, natsUrl ?? "", data.NAMESPACE ?? ""],
    stages: data,
  };
}

/** An empty value counts as unset. */
function givenIn(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}
