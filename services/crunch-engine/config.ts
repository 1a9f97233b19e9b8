import { availableParallelism } from "node:os";
import * as z from "zod";
import { commonSettings, integerSetting, readSettings, textSetting } from "../shared/config.js";
import type { Env } from "../shared/config.js";
import type { InFlightOptions } from "../shared/in-flight.js";

/** Messages for a thread when each takes long, or may do, as nobody knows at first: one in its hands, one to follow. */
const MIN_PER_THREAD = 2;
/** Work that an engine takes on in advance, in milliseconds; the rest is left to other engines. */
const HOLD_MS = 1_000;

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
    min: 1,
    max: 65_536,
    default: 2_048,
    about: "Messages in hand at once, at most; fewer while each takes long: as many as are done in a second",
  }),
  CRUNCH_MAX_IN_FLIGHT_BYTES: integerSetting({
    min: 1_024,
    max: 1_073_741_824,
    default: 33_554_432,
    about: "Bytes of messages in hand at once, which bounds memory",
  }),
});

export type CrunchSettings = z.output<typeof crunchSettings>;

/** @throws UserError that lists every problem */
export function readCrunchSettings(env: Env): CrunchSettings {
  const settings = readSettings(crunchSettings, env);
  return { ...settings, THREADS: settings.THREADS === 0 ? availableParallelism() : settings.THREADS };
}

/** How many messages a crunch-engine has in hand. */
export function inFlightOf(settings: CrunchSettings): InFlightOptions {
  return {
    maxInFlight: settings.CRUNCH_MAX_IN_FLIGHT,
    maxInFlightBytes: settings.CRUNCH_MAX_IN_FLIGHT_BYTES,
    pace: {
      minInFlight: MIN_PER_THREAD * settings.THREADS,
      holdMs: HOLD_MS,
    },
  };
}
