import { z } from "zod";
import { commonSettings, natsSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch streams` reads from its environment. */
export const streamsSettings = z.object({
  ...natsSettings,
  STREAM_REPLICAS: commonSettings.STREAM_REPLICAS,
  STREAM_MAX_BYTES: commonSettings.STREAM_MAX_BYTES,
  RESEND_AFTER_MS: commonSettings.RESEND_AFTER_MS,
});

export type StreamsSettings = z.output<typeof streamsSettings>;

/** @throws UserError that lists every problem */
export function readStreamsSettings(env: Env): StreamsSettings {
  return readSettings(streamsSettings, env);
}
