import * as z from "zod";
import { natsSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch parked` reads from its environment. */
export const parkedSettings = z.object({
  ...natsSettings,
});

export type ParkedSettings = z.output<typeof parkedSettings>;

/** @throws UserError that lists every problem */
export function readParkedSettings(env: Env): ParkedSettings {
  return readSettings(parkedSettings, env);
}
