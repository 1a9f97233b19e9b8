import { z } from "zod";
import { commonSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch status` reads from its environment. */
export const statusSettings = z.object({
  NATS_URL: commonSettings.NATS_URL,
  NAMESPACE: commonSettings.NAMESPACE,
});

export type StatusSettings = z.output<typeof statusSettings>;

/** @throws UserError that lists every problem */
export function readStatusSettings(env: Env): StatusSettings {
  return readSettings(statusSettings, env);
}
