import { Option } from "commander";
import type { Command } from "commander";
import type { Env } from "../shared/config.js";

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

/** The environment with the options of the command line put over it. */
export function withOptions(env: Env, command: Command, schema: SettingsSchema): Env {
  const given: Record<string, string> = {};
  const values: Readonly<Record<string, unknown>> = command.opts();
  for (const name of Object.keys(schema.shape)) {
    const value = values[attributeOf(name)];
    if (typeof value === "string") given[name] = value;
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
