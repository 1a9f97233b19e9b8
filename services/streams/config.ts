import * as z from "zod";
import { commonSettings, integerSetting, natsSettings, readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch streams` reads from its environment. */
export const streamsSettings = z.object({
  ...natsSettings,
  STREAM_REPLICAS: commonSettings.STREAM_REPLICAS,
  STREAM_MAX_BYTES: commonSettings.STREAM_MAX_BYTES,
  RESEND_AFTER_MS: commonSettings.RESEND_AFTER_MS,
  NATS_WAIT_MS: integerSetting({
    min: 0,
    max: 600_000,
    default: 0,
    about: "How long to wait for a NATS server that does not answer yet, in milliseconds",
  }),
});

export type StreamsSettings = z.output<typeof streamsSettings>;

/** @throws UserError that lists every problem */
export function readStreamsSettings(env: Env): StreamsSettings {
  return readSettings(streamsSettings, env);
}
