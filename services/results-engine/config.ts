import { randomBytes } from "node:crypto";
import * as z from "zod";
import {
  commonSettings,
  integerSetting,
  optionalTextSetting,
  readSettings,
  textSetting,
} from "../shared/config.js";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";

export const resultsSettings = z.object({
  SINK: textSetting({
    default: "duckdb:crunch.duckdb",
    about: "Where rows end: `duckdb:PATH`, `bigquery:P/D/T`, with `?mode=` stream, write, upsert or load",
  }),
  BATCH_MAX_ROWS: integerSetting({
    min: 1,
    max: 1_000_000,
    // A row group of DuckDB, in 60 full frames: whole ones go to the file past the log.
    default: 122_880,
    about: "Rows that make a batch due",
  }),
  BATCH_MAX_BYTES: integerSetting({
    min: 1_024,
    max: 1_073_741_824,
    default: 8_388_608,
    about: "Bytes of messages that make a batch due",
  }),
  BATCH_MAX_WAIT_MS: integerSetting({
    min: 1,
    max: 600_000,
    default: 500,
    about: "Longest that a row waits for its batch to fill, in milliseconds",
  }),
  RESULTS_MAX_IN_FLIGHT: integerSetting({
    min: 1,
    max: 65_536,
    default: 16_384,
    about: "Messages that a results-engine holds unacked; half of them make a batch due",
  }),
  LATE_AFTER_MS: integerSetting({
    min: 1,
    max: 86_400_000,
    default: 60_000,
    about: "X: a row stored later than this after its DTimeStamp is late, in milliseconds",
  }),
  RUN_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, - or _")
    .optional()
    .describe("Names a run, so that a restart continues it; new at every start unless given"),
  BIGQUERY_API_ENDPOINT: optionalTextSetting("Address of a BigQuery emulator; no credentials are sent there"),
  ...commonSettings,
});

export type ResultsSettings = Omit<z.output<typeof resultsSettings>, "RUN_ID"> & { readonly RUN_ID: string };

/** @throws UserError that lists every problem */
export function readResultsSettings(env: Env): ResultsSettings {
  const settings = readSettings(resultsSettings, env);
  const { BATCH_MAX_WAIT_MS, RESEND_AFTER_MS } = settings;
  if (BATCH_MAX_WAIT_MS >= RESEND_AFTER_MS) {
    throw new UserError(
      `BATCH_MAX_WAIT_MS="${BATCH_MAX_WAIT_MS}": must be below RESEND_AFTER_MS="${RESEND_AFTER_MS}", ` +
        `or messages are delivered again while they wait for their batch`,
    );
  }
  return { ...settings, RUN_ID: settings.RUN_ID ?? randomBytes(6).toString("hex") };
}
