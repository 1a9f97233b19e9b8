import { z } from "zod";
import { commonSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch parked` reads from its environment. */
export const parkedSettings = z.object({
  NATS_URL: commonSettings.NATS_URL,
  NAMESPACE: commonSettings.NAMESPACE,
});

export type ParkedSettings = z.output<typeof parkedSettings>;

/** @throws UserError that lists every problem */
export function readParkedSettings(env: Env): ParkedSettings {
  return readSettings(parkedSettings, env);
}
