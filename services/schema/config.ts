import * as z from "zod";
import { resultsSettings } from "../results-engine/config.js";
import { readSettings } from "../shared/config.js";
import type { Env } from "../shared/config.js";

/** Everything `crunch schema` reads from its environment. */
export const schemaSettings = z.object({
  SINK: resultsSettings.shape.SINK,
  BIGQUERY_API_ENDPOINT: resultsSettings.shape.BIGQUERY_API_ENDPOINT,
});

export type SchemaSettings = z.output<typeof schemaSettings>;

/** @throws UserError that lists every problem */
export function readSchemaSettings(env: Env): SchemaSettings {
  return readSettings(schemaSettings, env);
}
