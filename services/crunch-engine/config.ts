import { availableParallelism } from "node:os";
import { z } from "zod";
import { commonSettings, integerSetting, readSettings, textSetting } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Enough frames for a thread while the results of those before it are being stored. */
const MESSAGES_PER_THREAD = 16;
/** Enough for singles: a round trip of 2 ms lets 32,000 a second through. More would only be hoarded. */
const MIN_IN_FLIGHT = 64;

/** Everything a crunch-engine reads from its environment. */
export const crunchSettings = z.object({
  ...commonSettings,
  CRUNCHER: textSetting({
    default: "collatz",
    about: "The cruncher: collatz, primes, identity or a module like ./my-cruncher.mjs",
  }),
  THREADS: integerSetting({
    min: 0,
    max: 1_024,
    default: 0,
    about: "Threads that crunch; 0 takes one for each core that the process may use",
  }),
  CRUNCH_TIMEOUT_MS: integerSetting({
    min: 10,
    max: 86_400_000,
    default: 60_000,
    about: "A record that takes longer is parked and its thread replaced, in milliseconds",
  }),
  THREAD_MAX_MEMORY_MB: integerSetting({
    min: 16,
    max: 1_048_576,
    default: 512,
    about: "JavaScript heap of a thread in MiB; a record that twice needs more is parked",
  }),
  CRUNCH_MAX_IN_FLIGHT: integerSetting({
    min: 0,
    max: 65_536,
    default: 0,
    about: "Messages in hand at once, which bounds memory; 0 takes 16 for each thread, at least 64",
  }),
});

export type CrunchSettings = z.output<typeof crunchSettings>;

/** @throws UserError that lists every problem */
export function readCrunchSettings(env: Env): CrunchSettings {
  const settings = readSettings(crunchSettings, env);
  const threads = settings.THREADS === 0 ? availableParallelism() : settings.THREADS;
  const inFlight = settings.CRUNCH_MAX_IN_FLIGHT;
  return {
    ...settings,
    THREADS: threads,
    CRUNCH_MAX_IN_FLIGHT: inFlight === 0 ? Math.max(MIN_IN_FLIGHT, MESSAGES_PER_THREAD * threads) : inFlight,
  };
}
