import { UserError } from "../../shared/errors.js";
import { parsePluginUri } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import { openNothingSource } from "./nothing-source.js";
import type { Source } from "./source.js";
import { openSyntheticSource } from "./synthetic-source.js";

/** What a source is opened with. */
export interface SourceContext {
  /** How often a paced source hands out what is due, in milliseconds. */
  readonly lingerMs: number;
}

/** Scheme -> source. A new source is one file and one line here. */
const openers: Readonly<Record<string, (uri: PluginUri, context: SourceContext) => Promise<Source>>> = {
  // DuckDB takes a while to load, and only those who read files should wait for it.
  file: async (uri) => (await import("./file-source.js")).openFileSource(uri),
  synthetic: openSyntheticSource,
  nothing: openNothingSource,
};

/**
 * Opens the source that `text` names and checks all that can be checked beforehand.
 *
 * @throws UserError in one sentence with SOURCE and what is there instead
 */
export async function openSource(text: string, context: SourceContext): Promise<Source> {
  const known = Object.keys(openers).join(", ");
  const isScheme = /^[a-z][a-z0-9-]*$/.test(text);
  const uri = { ...parsePluginUri("SOURCE", isScheme ? `${text}:` : text), text };
  const open = Object.hasOwn(openers, uri.scheme) ? openers[uri.scheme] : undefined;
  if (open === undefined) {
    throw new UserError(`SOURCE="${text}": unknown scheme ${uri.scheme}; known are ${known}`);
  }
  return open(uri, context);
}
