import { Command } from "commander";
import type { Env } from "../shared/config.js";
import { readStreamsSettings, streamsSettings } from "../streams/config.js";
import { makeStreams } from "../streams/streams.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

/** `crunch streams`: streams and durables, for engines whose user may not make them. */
export function command(env: Env, exit: (code: number) => void): Command {
  const made = addSettingOptions(
    new Command("streams").description(
      "Makes the streams and durables, or brings them to these settings: for engines whose NATS user may not",
    ),
    streamsSettings,
  );
  return made.action(async () => {
    const settings = readStreamsSettings(withOptions(env, made, streamsSettings));
    await makeStreams(settings, (line) => process.stderr.write(`${line}\n`));
    exit(0);
  });
}
