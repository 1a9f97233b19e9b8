import * as z from "zod";
import { commonSettings, integerSetting, readSettings, textSetting } from "../shared/config.js";
import type { Env } from "../shared/config.js";

export const dataSettings = z.object({
  ...commonSettings,
  SOURCE: textSetting({
    default: "synthetic:?count=1000000",
    about: "Where records come from: file:PATH?id=COL&data=COL&meta=COL, synthetic:, nothing",
  }),
  RUN_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - or _")
    .optional()
    .describe("Names the run; start again with the same one and it goes on where it was. Default: random"),
  FRAME_MAX_RECORDS: integerSetting({
    min: 1,
    max: 10_000,
    default: 2_048,
    about: "Records in one NATS message",
  }),
  FRAME_MAX_BYTES: integerSetting({
    min: 1,
    max: 500_000,
    default: 131_072,
    about: "Size of one NATS message in bytes; a larger record goes alone",
  }),
  FRAME_LINGER_MS: integerSetting({
    min: 1,
    max: 1_000,
    default: 10,
    about: "How long a source with a rate collects records for one NATS message, in milliseconds",
  }),
  MAX_RECORD_BYTES: integerSetting({
    min: 64,
    max: 64_000_000,
    default: 900_000,
    about: "A larger record is parked, in bytes; keep it below the NATS server's max_payload",
  }),
  MAX_OUTSTANDING: integerSetting({
    min: 1,
    max: 1_000_000_000_000,
    default: 10_000_000,
    about: "R: records published and not yet stored, above which the source pauses",
  }),
  PUBLISH_WINDOW: integerSetting({
    min: 1,
    max: 1_000,
    default: 64,
    about: "NATS messages sent from the oldest unconfirmed one on; the source waits while there are so many",
  }),
});

export type DataSettings = z.output<typeof dataSettings>;

/** @throws UserError that lists every problem */
export function readDataSettings(env: Env): DataSettings {
  return readSettings(dataSettings, env);
}
