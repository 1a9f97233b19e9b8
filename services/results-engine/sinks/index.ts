/** The sinks, by the scheme used in SINK. A new sink is one file and one line here. */
import { UserError } from "../../shared/errors.js";
import { parsePluginUri } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { openDuckDbSink } from "./duckdb-sink.js";
import type { Sink, SinkContext } from "./sink.js";

type OpenSink = (uri: PluginUri, context: SinkContext) => Promise<Sink>;

const SINKS: Readonly<Record<string, OpenSink>> = {
  duckdb: openDuckDbSink,
};

/** @throws UserError when SINK names no sink, or one that cannot be opened */
export async function openSink(text: string, context: SinkContext): Promise<Sink> {
  const uri = parsePluginUri("SINK", text);
  const open = SINKS[uri.scheme];
  if (open === undefined) {
    throw new UserError(
      `SINK="${text}": unknown sink ${uri.scheme}; known are ${Object.keys(SINKS).join(", ")}`,
    );
  }
  return open(uri, context);
}
