import type { Env } from "../shared/config.js";

export type EngineName = "data-engine" | "crunch-engine" | "results-engine";

/**
 * What an engine is started with unless the user's environment says otherwise; images and units say the same.
 * A results-engine's threads share one heap of glibc: with one for each, every heap keeps what its thread once needed.
 */
export const MALLOC_DEFAULTS: Readonly<Record<EngineName, Readonly<Record<string, string>>>> = {
  "data-engine": {},
  "crunch-engine": {},
  "results-engine": { MALLOC_ARENA_MAX: "1" },
};

/**
 * The environment of an engine's process.
 *
 * @param env the user's
 * @param settings put over the user's
 */
export function environmentOf(engine: EngineName, env: Env, settings: Env): Env {
  return { ...MALLOC_DEFAULTS[engine], ...env, ...settings, ...forLauncher(env) };
}

/** Settings that the launcher needs the engines to have, whatever the user's environment says. */
function forLauncher(env: Env): Env {
  const level = env.LOG_LEVEL ?? "";
  return {
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: "0",
    // Read by the launcher, whatever people see.
    LOG_FORMAT: "json",
    // Start and stop lines are of level info.
    LOG_LEVEL: level === "trace" || level === "debug" ? level : "info",
  };
}
