import { Command } from "commander";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";
import type { SettingsSchema } from "./setting-options.js";

/** A subcommand that runs one engine in this process until its work or SIGTERM ends it. */
export function engineCommand(
  name: string,
  about: string,
  schema: SettingsSchema,
  run: (env: Env) => Promise<number>,
): (env: Env, exit: (code: number) => void) => Command {
  return (env, exit) => {
    const command = addSettingOptions(new Command(name).description(about), schema);
    return command.action(async () => {
      if (env.CRUNCH_PARENT !== undefined) endWithParent();
      exit(await run(withOptions(env, command, schema)));
    });
  };
}

/** A child of `crunch up` whose launcher is gone drains as if it had got SIGTERM. */
function endWithParent(): void {
  const drain = (): void => void process.kill(process.pid, "SIGTERM");
  process.once("disconnect", drain);
  // Listening must not keep the process alive.
  process.channel?.unref();
  // Nobody reads these any more then, and a broken pipe is no reason to stop draining.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  if (!process.connected) drain();
}
