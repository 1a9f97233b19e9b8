/** The sinks, by the scheme used in SINK. A new sink is one file and one line here. */
import { UserError } from "../../shared/errors.js";
import { parsePluginUri } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { dropDuckDbTables, duckDbSchema, lookAtDuckDbSink, openDuckDbSink } from "./duckdb/duckdb-sink.js";
import type { SinkLook } from "./sink-look.js";
import type { SinkSchema } from "./sink-schema.js";
import type { Sink, SinkContext } from "./sink.js";

interface SinkKind {
  open(uri: PluginUri, context: SinkContext): Promise<Sink>;
  /** Says what `open` would meet, without making or holding anything. */
  look(uri: PluginUri, bigQueryEndpoint: string | undefined): Promise<SinkLook>;
  /** Describes its tables; whoever asks holds them against the real ones. */
  schema(uri: PluginUri, bigQueryEndpoint: string | undefined): SinkSchema | Promise<SinkSchema>;
  /** Removes the rows of earlier runs; absent where that is not ours to do. */
  readonly drop?: (uri: PluginUri) => Promise<void>;
}

const SINKS: Readonly<Record<string, SinkKind>> = {
  duckdb: { open: openDuckDbSink, look: lookAtDuckDbSink, schema: duckDbSchema, drop: dropDuckDbTables },
  // Google's client takes a while to load, and only those who use it should wait for it.
  bigquery: {
    open: async (uri, context) => {
      const { openBigQuerySink } = await import("./bigquery/bigquery-sink.js");
      return openBigQuerySink(uri, context, { endpoint: context.bigQueryEndpoint });
    },
    look: async (uri, endpoint) => {
      const { lookAtBigQuerySink } = await import("./bigquery/bigquery-sink.js");
      return lookAtBigQuerySink(uri, { endpoint });
    },
    schema: async (uri, endpoint) => {
      const { bigQuerySchema } = await import("./bigquery/table-schema.js");
      return bigQuerySchema(uri, endpoint);
    },
  },
};

/** @throws UserError when SINK names no sink, or one that cannot be opened */
export async function openSink(text: string, context: SinkContext): Promise<Sink> {
  const uri = parsePluginUri("SINK", text);
  return kindOf(uri).open(uri, context);
}

/** @throws UserError when SINK names no sink */
export async function lookAtSink(text: string, bigQueryEndpoint?: string): Promise<SinkLook> {
  const uri = parsePluginUri("SINK", text);
  return kindOf(uri).look(uri, bigQueryEndpoint);
}

/** @throws UserError when SINK names no sink */
export async function schemaOfSink(text: string, bigQueryEndpoint?: string): Promise<SinkSchema> {
  const uri = parsePluginUri("SINK", text);
  return kindOf(uri).schema(uri, bigQueryEndpoint);
}

/** @throws UserError when SINK names no sink whose rows are ours to remove */
export function checkDroppable(text: string): void {
  dropOf(text);
}

/**
 * Removes what earlier runs stored in a sink, and nothing else.
 *
 * @throws UserError when the sink's rows are not ours to remove
 */
export async function dropSink(text: string): Promise<void> {
  await dropOf(text)();
}

function dropOf(text: string): () => Promise<void> {
  const uri = parsePluginUri("SINK", text);
  const { drop } = kindOf(uri);
  if (drop === undefined) {
    throw new UserError(`SINK="${text}": --fresh drops no rows of ${uri.scheme}:, only of duckdb:`);
  }
  return () => drop(uri);
}

function kindOf(uri: PluginUri): SinkKind {
  const kind = Object.hasOwn(SINKS, uri.scheme) ? SINKS[uri.scheme] : undefined;
  if (kind !== undefined) return kind;
  const known = Object.keys(SINKS).join(", ");
  throw new UserError(`SINK="${uri.text}": unknown sink ${uri.scheme}; known are ${known}`);
}
