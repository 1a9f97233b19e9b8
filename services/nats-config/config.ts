import * as z from "zod";
import { natsSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch nats-config` reads from its environment. */
export const natsConfigSettings = z.object({ NAMESPACE: natsSettings.NAMESPACE });

export type NatsConfigSettings = z.output<typeof natsConfigSettings>;

/** @throws UserError that lists every problem */
export function readNatsConfigSettings(env: Env): NatsConfigSettings {
  return readSettings(natsConfigSettings, env);
}
