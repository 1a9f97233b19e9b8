import { Command } from "commander";
import { readSchemaSettings, schemaSettings } from "../schema/config.js";
import type { SchemaSettings } from "../schema/config.js";
import { applySchema, diffSchema, showSchema } from "../schema/schema.js";
import type { SchemaOutput } from "../schema/schema.js";
import type { Env } from "../shared/config.js";
import { addSettingOptions, withOptions } from "./setting-options.js";

interface SchemaOptions {
  readonly json?: true;
  readonly format?: string;
}

/** What a subcommand is run with. */
interface Asked {
  readonly settings: SchemaSettings;
  readonly options: SchemaOptions;
  readonly output: SchemaOutput;
}

/** `crunch schema show | diff | apply`: the tables of SINK as they must be, and as they are. */
export function command(env: Env, exit: (code: number) => void): Command {
  const subcommand = (name: string, about: string, run: (asked: Asked) => Promise<number>): Command => {
    const made = addSettingOptions(new Command(name).description(about), schemaSettings)
      .option("--json", "print one line of JSON")
      .action(async () => {
        const options: SchemaOptions = made.opts();
        const settings = readSchemaSettings(withOptions(env, made, schemaSettings));
        // Whoever reads only the first lines is no reason to fail.
        process.stdout.once("error", () => process.exit(0));
        const out = (text: string): void => void process.stdout.write(text);
        exit(await run({ settings, options, output: { json: options.json === true, out } }));
      });
    return made;
  };
  const show = subcommand(
    "show",
    "Prints the tables of SINK as this version makes them; asks no warehouse",
    ({ settings, options, output }) => showSchema(settings, options.format ?? "ddl", output),
  ).option(
    "--format <format>",
    "ddl: SQL statements; json: the columns, as `bq mk --schema` takes them",
    "ddl",
  );
  const diff = subcommand(
    "diff",
    "Holds the real tables of SINK against those of this version, and changes nothing",
    ({ settings, output }) => diffSchema(settings, output),
  ).addHelpText("after", "\nExit codes: 0 nothing differs, 1 something does, 2 bad input or no warehouse.");
  const apply = subcommand(
    "apply",
    "Adds what SINK lacks: tables, the view, columns that may be NULL. Where anything else differs it changes nothing",
    ({ settings, output }) => applySchema(settings, output),
  ).addHelpText("after", "\nExit codes: 0 nothing differs any more, 1 refused, 2 bad input or no warehouse.");
  const schema = new Command("schema")
    .description("Shows, compares and extends the tables of a sink")
    .helpCommand(false);
  for (const each of [show, diff, apply]) schema.addCommand(each);
  return schema;
}
