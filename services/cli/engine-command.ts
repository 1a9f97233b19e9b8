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
      let settings = withOptions(env, command, schema);
      if (env.CRUNCH_PARENT !== undefined) {
        if (env.CRUNCH_HELD !== undefined) {
          const late = await released();
          if (late === undefined) return;
          settings = { ...settings, ...late };
        }
        endWithParent();
      }
      exit(await main(settings));
    });
  };
}

/** Waits until the launcher says go. @returns the settings that it knew only then; undefined if it is gone */
function released(): Promise<Env | undefined> {
  return new Promise((resolve) => {
    const settle = (settings: Env | undefined): void => {
      process.off("message", go);
      process.off("disconnect", lost);
      resolve(settings);
    };
    const go = (settings: unknown): void => settle(settings as Env);
    const lost = (): void => settle(undefined);
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
