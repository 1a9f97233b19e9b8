import { Command } from "commander";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";
import type { SettingsSchema } from "./setting-options.js";

/** Runs an engine. @returns the exit code */
type EngineMain = (env: Env) => Promise<number>;

/**
 * A subcommand that runs one engine in this process until its work or SIGTERM ends it.
 *
 * @param load gets the engine's module, which takes most of the time of a start
 */
export function engineCommand(
  name: string,
  about: string,
  schema: SettingsSchema,
  load: () => Promise<{ readonly main: EngineMain }>,
): (env: Env, exit: (code: number) => void) => Command {
  return (env, exit) => {
    const command = addSettingOptions(new Command(name).description(about), schema);
    return command.action(async () => {
      const { main } = await load();
      if (env.CRUNCH_PARENT !== undefined) {
        if (env.CRUNCH_HELD !== undefined && !(await released())) return;
        endWithParent();
      }
      exit(await main(withOptions(env, command, schema)));
    });
  };
}

/** Waits until the launcher says go. @returns false if it is gone */
function released(): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isReleased: boolean) => (): void => {
      process.off("message", go);
      process.off("disconnect", lost);
      resolve(isReleased);
    };
    const go = settle(true);
    const lost = settle(false);
    process.on("message", go);
    process.on("disconnect", lost);
    if (!process.connected) lost();
  });
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
