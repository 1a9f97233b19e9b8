import { Option } from "commander";
import type { Command } from "commander";
import type { Env } from "../shared/config.js";
import { UserError } from "../shared/errors.js";

/** One setting of an engine as its zod schema tells it. */
interface Setting {
  readonly description?: string | undefined;
  /** What an absent value is read as. */
  safeParse(value: undefined): { readonly data?: unknown };
}

/** The settings of an engine: the `dataSettings`, `crunchSettings` and `resultsSettings` of the engines' config.ts. */
export interface SettingsSchema {
  readonly shape: Readonly<Record<string, Setting>>;
}

/** Gives a command one option a setting: NATS_URL becomes `--nats-url <value>`. */
export function addSettingOptions(command: Command, schema: SettingsSchema): Command {
  for (const [name, setting] of Object.entries(schema.shape)) {
    const { data } = setting.safeParse(undefined);
    const value = typeof data === "string" || typeof data === "number" ? ` (default: ${String(data)})` : "";
    command.addOption(
      new Option(`${flagOf(name)} <value>`, `${setting.description ?? ""}${value}`).helpGroup(
        "Settings, also read from the environment (--nats-url is NATS_URL):",
      ),
    );
  }
  return command;
}

/**
 * The environment with the options of the command line put over it.
 *
 * @throws UserError for an address with a user: other users of the machine may read command lines
 */
export function withOptions(env: Env, command: Command, schema: SettingsSchema): Env {
  const given: Record<string, string> = {};
  const values: Readonly<Record<string, unknown>> = command.opts();
  for (const name of Object.keys(schema.shape)) {
    const value = values[attributeOf(name)];
    if (typeof value === "string") given[name] = value;
  }
  if (given.NATS_URL?.includes("@") === true) {
    throw new UserError(
      '--nats-url="***": has a user, and everybody may read command lines; give it as NATS_URL, or the user by file',
    );
  }
  return { ...env, ...given };
}

function flagOf(name: string): string {
  return `--${name.toLowerCase().replaceAll("_", "-")}`;
}

/** What commander calls the value of an option. */
function attributeOf(name: string): string {
  return new Option(flagOf(name)).attributeName();
}
