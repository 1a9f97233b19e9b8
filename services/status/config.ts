import * as z from "zod";
import { natsSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch status` reads from its environment. */
export const statusSettings = z.object({
  ...natsSettings,
});

export type StatusSettings = z.output<typeof statusSettings>;

/** @throws UserError that lists every problem */
export function readStatusSettings(env: Env): StatusSettings {
  return readSettings(statusSettings, env);
}
