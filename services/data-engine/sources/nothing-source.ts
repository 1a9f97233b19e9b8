/** `nothing`: no records of our own; foreign clients publish. */
import { once } from "node:events";
import { UserError } from "../../shared/errors.js";
import { allowParams } from "../../shared/plugin-uri.js";
import type { PluginUri } from "../../shared/plugin-uri.js";
import type { Source, SourceChunk } from "./source.js";

export function openNothingSource(uri: PluginUri): Promise<Source> {
  allowParams("SOURCE", uri, []);
  if (uri.path !== "") throw new UserError(`SOURCE="${uri.text}": nothing takes no path`);
  return Promise.resolve(new NothingSource());
}

class NothingSource implements Source {
  readonly paced = true;
  readonly expectedRecords = undefined;

  chunks(_fromPosition: number, signal: AbortSignal): AsyncIterable<SourceChunk> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (!signal.aborted) await once(signal, "abort");
          return { done: true, value: undefined };
        },
      }),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
